import { DuckDBInstance } from '@duckdb/node-api';
import { Lane, Session } from '../../../shared/embedded/duckdb-connections.ts';

/** The DuckDB behind the server. One statement at a time: what runs in a turn sees no other request's work half done. */

/** Functions that DuckDB lacks or has under another meaning; functions.ts translates calls into them. */
const MACROS = `
CREATE OR REPLACE TEMP MACRO sb_signed64(h) AS CASE WHEN h >= 9223372036854775808 THEN CAST(CAST(h AS HUGEINT) - 18446744073709551616 AS BIGINT) ELSE CAST(h AS BIGINT) END;
CREATE OR REPLACE TEMP MACRO sb_farm_fingerprint(x) AS sb_signed64(md5_number_lower(CAST(x AS VARCHAR)));
CREATE OR REPLACE TEMP MACRO sb_md5(x) AS unhex(md5(x));
CREATE OR REPLACE TEMP MACRO sb_sha256(x) AS unhex(sha256(x));
CREATE OR REPLACE TEMP MACRO sb_to_hex(x) AS lower(hex(x));
CREATE OR REPLACE TEMP MACRO sb_to_json_string(x) AS CASE WHEN x IS NULL THEN 'null' ELSE CAST(to_json(x) AS VARCHAR) END;
CREATE OR REPLACE TEMP MACRO sb_timestamp(x) AS CAST(x AS TIMESTAMPTZ);
CREATE OR REPLACE TEMP MACRO sb_try_timestamp(x) AS TRY_CAST(x AS TIMESTAMPTZ);
CREATE OR REPLACE TEMP MACRO sb_bignumeric(x) AS CAST(x AS DECIMAL(38, 10));
CREATE OR REPLACE TEMP MACRO sb_try_bignumeric(x) AS TRY_CAST(x AS DECIMAL(38, 10));
CREATE OR REPLACE TEMP MACRO sb_bytes(x) AS CAST(encode(CAST(x AS VARCHAR)) AS BLOB);
CREATE OR REPLACE TEMP MACRO sb_unix_micros(x) AS epoch_us(CAST(x AS TIMESTAMPTZ));
CREATE OR REPLACE TEMP MACRO sb_date(x) AS CAST(x AS DATE);
`;

export class Storage {
  readonly #instance: DuckDBInstance;
  readonly #session: Session;
  readonly #lane: Lane;

  private constructor(instance: DuckDBInstance, session: Session) {
    this.#instance = instance;
    this.#session = session;
    this.#lane = new Lane(session);
  }

  static async open(file: string): Promise<Storage> {
    const instance = await DuckDBInstance.create(file, { threads: '1', autoinstall_known_extensions: 'false', autoload_known_extensions: 'false', enable_external_access: file === ':memory:' ? 'false' : 'true' });
    const session = new Session(await instance.connect());
    await session.run("SET TimeZone = 'UTC'");
    await session.run(MACROS);
    return new Storage(instance, session);
  }

  turn<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#lane.turn(work);
  }

  /** Ends what is running just now. */
  interrupt(): void {
    this.#session.interrupt();
  }

  async close(): Promise<void> {
    await this.#lane.close();
    this.#instance.closeSync();
  }
}

/** What `work` writes is there as a whole, or not at all. */
export async function atomically<T>(session: Session, work: () => Promise<T>): Promise<T> {
  await session.run('BEGIN');
  try {
    const value = await work();
    await session.run('COMMIT');
    return value;
  } catch (thrown) {
    await session.run('ROLLBACK').catch(() => undefined);
    throw thrown;
  }
}

export async function numberOf(session: Session, sql: string): Promise<number> {
  const [[value] = []] = await (await session.run(sql)).getRows();
  return Number(value ?? 0);
}
