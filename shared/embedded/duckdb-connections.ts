import {
  DuckDBInstance, type DuckDBConnection, type DuckDBDataChunk, type DuckDBMaterializedResult, type DuckDBPreparedStatement,
  type DuckDBType, type DuckDBValue,
} from '@duckdb/node-api';

/**
 * A few connections of one DuckDB instance. Each is a lane: what it is given runs one after the other, so that a
 * transaction is never interleaved with other work, and several lanes run side by side.
 */

export type Bound = readonly (readonly [DuckDBValue, DuckDBType])[];

/** The connection inside a turn of its lane. */
export class Session {
  readonly #connection: DuckDBConnection;
  readonly #prepared = new Map<string, DuckDBPreparedStatement>();

  constructor(connection: DuckDBConnection) {
    this.#connection = connection;
  }

  /** Plans and executes in one go, on one snapshot. */
  run(sql: string): Promise<DuckDBMaterializedResult> {
    return this.#connection.run(sql);
  }

  /**
   * Executes a statement that is prepared once for the connection. With values DuckDB plans it anew each time; without, it
   * keeps the plan: only for statements such as duckdb-measure.ts allows.
   */
  async prepared(sql: string, values: Bound = []): Promise<DuckDBMaterializedResult> {
    let statement = this.#prepared.get(sql);
    if (!statement) {
      statement = await this.#connection.prepare(sql);
      this.#prepared.set(sql, statement);
    }
    values.forEach(([value, type], index) => statement.bindValue(index + 1, value, type));
    return statement.run();
  }

  /** Appends whole chunks to a table of this connection's temp schema. */
  async append(table: string, chunks: Iterable<DuckDBDataChunk>): Promise<void> {
    const appender = await this.#connection.createAppender(table, 'main', 'temp');
    for (const chunk of chunks) appender.appendDataChunk(chunk);
    appender.closeSync();
  }

  /** What `work` writes is committed together, or not at all. */
  async transaction<T>(work: () => Promise<{ readonly commit: boolean; readonly value: T }>): Promise<T> {
    await this.prepared('BEGIN');
    try {
      const { commit, value } = await work();
      await this.prepared(commit ? 'COMMIT' : 'ROLLBACK');
      return value;
    } catch (thrown) {
      // DuckDB has ended the transaction already where the commit itself failed.
      await this.#connection.run('ROLLBACK').catch(() => undefined);
      throw thrown;
    }
  }

  interrupt(): void {
    this.#connection.interrupt();
  }

  close(): void {
    for (const statement of this.#prepared.values()) statement.destroySync();
    this.#prepared.clear();
    this.#connection.closeSync();
  }
}

export class Lane {
  readonly #session: Session;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #staged = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  /** How much is under way or waiting, staged dates included. */
  get load(): number {
    return this.#waiting * 4 + this.#staged;
  }

  /** Somebody has staged a date on this connection, or has done with it. */
  holds(change: 1 | -1): void {
    this.#staged += change;
  }

  turn<T>(work: (session: Session) => Promise<T>): Promise<T> {
    this.#waiting += 1;
    const result = this.#last.then(() => work(this.#session)).finally(() => { this.#waiting -= 1; });
    this.#last = result.catch(() => undefined);
    return result;
  }

  async close(): Promise<void> {
    await this.#last;
    this.#session.close();
  }
}

export interface ConnectionOptions {
  readonly connections: number;
  readonly memoryLimit: string | null;
}

export class Connections {
  readonly #instance: DuckDBInstance;
  readonly #lanes: readonly Lane[];

  private constructor(instance: DuckDBInstance, lanes: readonly Lane[]) {
    this.#instance = instance;
    this.#lanes = lanes;
  }

  static async open(path: string, { connections, memoryLimit }: ConnectionOptions): Promise<Connections> {
    // One thread an instance: a date is far too small to be worth waking a second one, and lanes give the parallelism.
    const instance = await DuckDBInstance.create(path, {
      threads: '1', autoinstall_known_extensions: 'false', autoload_known_extensions: 'false',
      ...(memoryLimit === null ? {} : { memory_limit: memoryLimit }),
    });
    const lanes: Lane[] = [];
    for (let number = 0; number < connections; number += 1) {
      const session = new Session(await instance.connect());
      await session.run("SET TimeZone = 'UTC'");
      lanes.push(new Lane(session));
    }
    return new Connections(instance, lanes);
  }

  /** The lane with the least to do. */
  lane(): Lane {
    const [first, ...others] = this.#lanes;
    if (!first) throw new Error('received connections: 0; open a warehouse with at least one');
    return others.reduce((best, lane) => (lane.load < best.load ? lane : best), first);
  }

  turn<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.lane().turn(work);
  }

  async close(): Promise<void> {
    for (const lane of this.#lanes) await lane.close();
    this.#instance.closeSync();
  }
}
