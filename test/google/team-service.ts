import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { FakeBigQuery } from '../../scripts/local-cloud/bigquery/server.ts';

export interface ServiceRun {
  readonly processor_name: string;
  readonly start_date: string;
  readonly run_id: string;
}

export type ServiceAnswer = { readonly status: number; readonly body: object } | null;

/** The team's service that fills `small_raw.scores`: two rows a date, as the processor contract wants it, or whatever a test says. */
export class TeamService {
  readonly runs: ServiceRun[] = [];
  readonly url: string;
  /** Asked before a date is written; an answer is given as it is, and nothing is written. */
  answer: (run: ServiceRun) => Promise<ServiceAnswer> | ServiceAnswer = () => null;
  bigquery: FakeBigQuery | null = null;
  readonly #server: Server;

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  static async listen(): Promise<TeamService> {
    const server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        service.#run(JSON.parse(Buffer.concat(parts).toString())).then(
          ({ status, body }) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
          (thrown: unknown) => response.writeHead(500).end(String(thrown)),
        );
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const service = new TeamService(server, `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`);
    return service;
  }

  runsOf(date: string): number {
    return this.runs.filter((run) => run.start_date === date).length;
  }

  /** As another program would write a date, or take it away. */
  async write(date: string, points: readonly number[]): Promise<void> {
    if (!this.bigquery) throw new Error('the service has no warehouse yet');
    await this.bigquery.outside(`DELETE FROM small_raw.scores WHERE game_date = DATE '${date}'`);
    if (points.length > 0) await this.bigquery.outside(`INSERT INTO small_raw.scores (game_date, team, points) VALUES ${points.map((value, index) => `(DATE '${date}', 'team ${index}', ${value})`).join(', ')}`);
  }

  async #run(run: ServiceRun): Promise<{ readonly status: number; readonly body: object }> {
    this.runs.push(run);
    const answered = await this.answer(run);
    if (answered) return answered;
    await this.write(run.start_date, [100, 90]);
    return { status: 200, body: { status: 'success', rows_processed: 2 } };
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
