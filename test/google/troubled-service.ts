import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { z } from 'zod';
import type { FailureCategory } from '../../shared/failures/category.ts';
import { errors } from '../e2e/trouble.ts';

/** What is wrong with a cell, and how often; `times` null: until somebody mends it. */
export interface ServiceTrouble {
  readonly category: FailureCategory;
  times: number | null;
}

/** The moment at which an order waits: before the service gets it, or after its work, before the answer. */
export interface ServiceHold {
  readonly cell: string;
  readonly when: 'before' | 'after';
  readonly reach: () => void;
  readonly released: Promise<void>;
}

const orderSchema = z.looseObject({ processor_name: z.string(), start_date: z.string() });

/** As a service of the contract answers, and what stands before it. */
const STATUS: Readonly<Record<FailureCategory, number>> = { infrastructure: 503, data_availability: 200, processing: 500, resource_exhausted: 429, defensive_block: 500, invalid_request: 400 };

/** Stands before a team's service: some orders it answers itself, as a service in trouble does, and one it keeps waiting. */
export class TroubledService {
  /** By cell, `PROCESSOR YYYY-MM-DD`. */
  readonly troubles = new Map<string, ServiceTrouble>();
  hold: ServiceHold | null = null;
  readonly #server: Server;
  #behind = '';

  constructor() {
    this.#server = createServer((request, response) => {
      void this.#answer(request).then(
        ({ status, text }) => response.writeHead(status, { 'content-type': 'application/json' }).end(text),
        // The worker died while it waited, or the service cannot be reached.
        () => response.destroy(),
      );
    });
  }

  /** Resolves to the address that functions are told. */
  async listen(service: string): Promise<string> {
    this.#behind = service;
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    return `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage): Promise<{ readonly status: number; readonly text: string }> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(Buffer.from(part));
    const body = Buffer.concat(parts);
    const order = orderSchema.safeParse(body.length === 0 ? null : JSON.parse(body.toString()));
    const cell = order.success ? `${order.data.processor_name} ${order.data.start_date}` : '';
    const trouble = this.#met(cell);
    if (trouble !== null) return { status: STATUS[trouble], text: JSON.stringify({ status: trouble === 'data_availability' ? 'no_data' : 'failed', rows_processed: 0, error: errors[trouble] }) };
    await this.#waits(cell, 'before');
    const answer = await fetch(`${this.#behind}${request.url ?? ''}`, { method: request.method ?? 'POST', headers: { 'content-type': 'application/json' }, ...(body.length === 0 ? {} : { body }) });
    const text = await answer.text();
    await this.#waits(cell, 'after');
    return { status: answer.status, text };
  }

  #met(cell: string): FailureCategory | null {
    const trouble = this.troubles.get(cell);
    if (!trouble) return null;
    if (trouble.times === 1) this.troubles.delete(cell);
    else if (trouble.times !== null) trouble.times -= 1;
    return trouble.category;
  }

  async #waits(cell: string, when: 'before' | 'after'): Promise<void> {
    const { hold } = this;
    if (hold === null || hold.cell !== cell || hold.when !== when) return;
    this.hold = null;
    hold.reach();
    await hold.released;
  }
}
