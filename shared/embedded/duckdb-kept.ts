import { setTimeout as sleep } from 'node:timers/promises';
import type { Day } from '../calendar/day.ts';
import { fingerprint } from '../gaps/fingerprint.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { Keep } from '../ports/warehouse.ts';
import type { Connections, Session } from './duckdb-connections.ts';
import { isConflict } from './duckdb-errors.ts';
import { hashSum, rowHashSql } from './duckdb-measure.ts';
import type { Stage } from './duckdb-stages.ts';
import { andOwnRows, tableOf } from './duckdb-tables.ts';
import { columnList, dateLiteral, dayOfValue, quoted, SQL_TYPES } from './duckdb-values.ts';

/**
 * What dates held before somebody overwrote them: a table beside each processor's, with the name under which rows are kept
 * and until when. Its own two columns have names with a space, which no column of a definition can have.
 */

const NAME = '"kept for"';
const UNTIL = '"kept until"';
const TRIES = 100;

export class KeptTables {
  readonly #connections: Connections;
  /** Tables that are as the definition has them, by processor. */
  readonly #ready = new Map<string, Promise<void>>();
  /** What is being kept now, by processor: the end of the last in turn. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /** One after another: of two transactions that insert the same rows DuckDB sees no conflict, and both would stay. No other process is in. */
  keep(processor: Processor, day: Day, keep: Keep): Promise<boolean> {
    const before = this.#turns.get(processor.name) ?? Promise.resolve();
    const turn = before.then(() => this.#keep(processor, day, keep));
    this.#turns.set(processor.name, turn.catch(() => undefined));
    return turn;
  }

  async #keep(processor: Processor, day: Day, keep: Keep): Promise<boolean> {
    await this.#ensure(processor, keep.at);
    return withPatience(() => this.#connections.turn((session) => session.transaction(async () => {
      const there = `WHERE ${NAME} = ${text(keep.name)} AND ${onDay(processor, day)}`;
      const held = `WHERE ${onDay(processor, day)}${andOwnRows(processor)}`;
      if (await fingerprintOf(session, processor, keptTable(processor), there) === keep.fingerprint) return { commit: false, value: true };
      if (await fingerprintOf(session, processor, tableOf(processor), held) !== keep.fingerprint) return { commit: false, value: false };
      await session.run(`DELETE FROM ${keptTable(processor)} ${there}`);
      const columns = columnsOf(processor);
      await session.run(`INSERT INTO ${keptTable(processor)} (${NAME}, ${UNTIL}, ${columns}) SELECT ${text(keep.name)}, ${Math.trunc(keep.until)}, ${columns} FROM ${tableOf(processor)} ${held}`);
      return { commit: true, value: true };
    })));
  }

  async kept(processor: Processor, name: string, from: Day, to: Day): Promise<ReadonlyMap<Day, string>> {
    await this.#ensure(processor, null);
    return this.#connections.turn(async (session) => {
      const date = quoted(processor.dateColumn);
      const found = await session.run(`SELECT ${date}, count(*), sum(${rowHashSql(processor, processor.fingerprintColumns)}) FROM ${keptTable(processor)}
        WHERE ${NAME} = ${text(name)} AND ${date} BETWEEN ${dateLiteral(from)} AND ${dateLiteral(to)} GROUP BY ALL`);
      return new Map((await found.getRows()).flatMap(([at, rows, sum]) => {
        const day = dayOfValue(at);
        return day === undefined ? [] : [[day, fingerprint(Number(rows), BigInt(String(sum)))] as const];
      }));
    });
  }

  /** To be called in the stage's turn, once `ready` has resolved. */
  async fill(session: Session, stage: Stage, processor: Processor, day: Day, name: string): Promise<void> {
    const columns = columnsOf(processor);
    await session.run(`INSERT INTO ${quoted(stage.table)} (${columns}) SELECT ${columns} FROM ${keptTable(processor)} WHERE ${NAME} = ${text(name)} AND ${onDay(processor, day)}`);
  }

  ready(processor: Processor): Promise<void> {
    return this.#ensure(processor, null);
  }

  /** `now`: what was kept long enough is thrown away with it. */
  #ensure(processor: Processor, now: number | null): Promise<void> {
    const key = `${processor.name} ${now === null ? 'read' : 'written'}`;
    const known = this.#ready.get(key);
    if (known) return known;
    const made = withPatience(() => this.#connections.turn(async (session) => {
      const table = keptTable(processor);
      await session.run(`CREATE TABLE IF NOT EXISTS ${table} (${NAME} VARCHAR NOT NULL, ${UNTIL} BIGINT NOT NULL)`);
      for (const { name, type } of processor.columns) await session.run(`ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS ${quoted(name)} ${SQL_TYPES[type]}`);
      if (now !== null) await session.run(`DELETE FROM ${table} WHERE ${UNTIL} <= ${Math.trunc(now)}`);
    }));
    this.#ready.set(key, made);
    made.catch(() => this.#ready.delete(key));
    return made;
  }
}

/** Another transaction was quicker: again. */
async function withPatience<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (thrown) {
      if (!isConflict(thrown) || attempt >= TRIES) throw thrown;
      await sleep(Math.min(attempt, 20));
    }
  }
}

async function fingerprintOf(session: Session, processor: Processor, table: string, where: string): Promise<string> {
  const hashes = await session.run(`SELECT ${rowHashSql(processor, processor.fingerprintColumns)} FROM ${table} ${where}`);
  return fingerprint(hashes.rowCount, hashSum(hashes));
}

function keptTable({ name }: Processor): string {
  return `"smart_backfill".${quoted(`kept_${name}`)}`;
}

function columnsOf({ columns }: Processor): string {
  return columnList(columns.map(({ name }) => name));
}

function onDay({ dateColumn }: Processor, day: Day): string {
  return `${quoted(dateColumn)} = ${dateLiteral(day)}`;
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
