import type { Processor } from '../pipeline/pipeline.ts';
import type { Lane, Session } from './duckdb-connections.ts';
import { quoted, SQL_TYPES } from './duckdb-values.ts';

/**
 * Temp tables of a connection, each for one staged date of one processor at a time. A table is emptied and used again, so
 * that the statements on it stay planned: planning the measurement of a wide table takes longer than measuring a date.
 */
export interface Stage {
  readonly lane: Lane;
  readonly table: string;
  /** Rows that went through the table. DuckDB keeps deleted ones in memory, so it is made anew now and then. */
  passed: number;
  /** `used`: given back, with the rows of its last date. */
  state: 'taken' | 'used' | 'empty';
}

const ROWS_BEFORE_ANEW = 8_192;

interface Stages {
  readonly free: Stage[];
  made: number;
}

export class StageTables {
  readonly #ofLane = new Map<Lane, Map<string, Stages>>();

  /** An empty table. To be called in the lane's turn; `giveBack` follows when the date is promoted or given up. */
  async take(session: Session, lane: Lane, processor: Processor): Promise<Stage> {
    const stages = this.#of(lane, processor);
    const stage = stages.free.pop() ?? { lane, table: `stage_${processor.rank}_${stages.made += 1}`, passed: ROWS_BEFORE_ANEW, state: 'used' };
    const { state } = stage;
    stage.state = 'taken';
    if (stage.passed < ROWS_BEFORE_ANEW) {
      if (state === 'used') await empty(session, stage);
    } else {
      const columns = processor.columns.map(({ name, type }) => `${quoted(name)} ${SQL_TYPES[type]}`).join(', ');
      await session.run(`CREATE OR REPLACE TEMP TABLE ${quoted(stage.table)} (${columns})`);
      stage.passed = 0;
    }
    lane.holds(1);
    return stage;
  }

  /** Emptied at once, while the end of its date is recorded: unless somebody takes it before that. */
  giveBack(stage: Stage, processor: Processor): void {
    this.#of(stage.lane, processor).free.push(stage);
    stage.lane.holds(-1);
    stage.state = 'used';
    void stage.lane.turn(async (session) => {
      if (stage.state !== 'used' || stage.passed >= ROWS_BEFORE_ANEW) return;
      await empty(session, stage);
      stage.state = 'empty';
    }).catch(() => undefined);
  }

  #of(lane: Lane, { name }: Processor): Stages {
    const ofLane = this.#ofLane.get(lane) ?? new Map<string, Stages>();
    this.#ofLane.set(lane, ofLane);
    const stages = ofLane.get(name) ?? { free: [], made: 0 };
    ofLane.set(name, stages);
    return stages;
  }
}

async function empty(session: Session, { table }: Stage): Promise<void> {
  await session.prepared(`DELETE FROM ${quoted(table)}`);
}
