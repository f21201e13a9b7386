import { join } from 'node:path';
import { sourcesOf } from '../../../pipelines/nba/service/sources.ts';
import type { DateTables } from '../../../pipelines/nba/service/loaded-tables.ts';
import { Outages } from '../../../pipelines/nba/service/outages.ts';
import { answer, type Response, type ServiceParts } from '../../../pipelines/nba/service/routes.ts';
import { formatDay } from '../../../shared/calendar/day.ts';
import { FolderObjects } from '../../../shared/google/objects-folder.ts';
import { targetAnswerSchema, type TargetAnswer } from '../../../shared/requests/messages.ts';
import type { Row } from '../../../shared/ports/warehouse.ts';
import { nbaPipeline } from './built-season.ts';

export interface Published {
  readonly topic: string;
  readonly body: string;
}

export interface ServiceUnderTest {
  readonly parts: ServiceParts;
  readonly published: Published[];
  readonly logged: string[];
  readonly landing: FolderObjects;
  readonly sourceDirectory: string;
}

/** 6 December 2023, nine in the morning in New York. */
export const MORNING = Date.parse('2023-12-06T14:00:00Z');

/** The service over a folder of its own; `tables` takes what the raw processors load. */
export function serviceIn(folder: string, tables: DateTables, changes: Partial<ServiceParts> = {}): ServiceUnderTest {
  const published: Published[] = [];
  const logged: string[] = [];
  const landing = new FolderObjects(join(folder, 'landing'));
  const sourceDirectory = join(folder, 'source');
  const pipeline = nbaPipeline();
  let runs = 0;
  const parts: ServiceParts = {
    places: { pipeline, landing, tables, sourceDirectory }, sources: sourcesOf(pipeline), outages: new Outages(sourceDirectory),
    bus: { publish: async (topic, body) => `message ${published.push({ topic, body })}` },
    now: () => MORNING, newRunId: () => `live-${(runs += 1)}`, log: ({ severity, message }) => { logged.push(`${severity} ${message}`); }, ...changes,
  };
  return { parts, published, logged, landing, sourceDirectory };
}

/** Tables that remember what they were given, by table and date. */
export class RememberedTables implements DateTables {
  readonly dates = new Map<string, readonly Row[]>();

  async replace(...[processor, day, rows]: Parameters<DateTables['replace']>): Promise<void> {
    this.dates.set(`${processor.output.ref} ${formatDay(day)}`, rows);
  }
}

/** The engine's order for one date. */
export function orderOf(processor: string, date: string, changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    processor_name: processor, start_date: date, end_date: date, run_id: 'run-1', is_backfill: true, backfill_mode: true, skip_downstream_trigger: true, strict_mode: true,
    trigger_reason: 'auto_backfill', backfill_id: null, ...changes,
  };
}

export function post(parts: ServiceParts, url: string, body: unknown = ''): Promise<Response> {
  return answer(parts, { method: 'POST', url, body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) });
}

/** What the engine would read of a `/process`; throws where it is no answer of the contract. */
export async function processed(parts: ServiceParts, processor: string, date: string, changes: Readonly<Record<string, unknown>> = {}): Promise<TargetAnswer> {
  const { body } = await post(parts, '/process', orderOf(processor, date, changes));
  return targetAnswerSchema.parse(JSON.parse(JSON.stringify(body)));
}
