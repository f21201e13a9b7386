import { PAUSED } from '../../cascade/decide.ts';
import { ownDateInputs } from '../../cascade/turn.ts';
import { keyOf } from '../../gaps/detect.ts';
import { judgeInputs } from '../../gaps/usable.ts';
import type { Phase } from '../../pipeline/pipeline.ts';
import type { AskCell } from '../../requests/ask.ts';
import type { CellKey } from '../../requests/cell.ts';
import { startsNext } from '../../staged/cascading.ts';
import type { StageCell } from '../../staged/plan.ts';
import type { BackfillRecord } from '../../staged/record.ts';
import { othersWaitText } from '../../staged/stuck.ts';
import type { Engine } from '../engine.ts';
import { openAsk, type Guard } from '../open.ts';
import { stageAsk } from './ask.ts';
import { releaseStaged, type StagedRelease } from './cascade.ts';
import { recordOf } from './cells.ts';
import { stuckChains } from './stuck.ts';

export interface Opened {
  /** Complete by now, or held by hand since: they have their answer. */
  readonly answered: readonly CellKey[];
  /** Not to be opened now, and to be looked at again: the pipeline is paused, or somebody works on what they read. */
  readonly kept: readonly StageCell[];
  /** The router did not release their cascade; `note` has its reasons. */
  readonly held: readonly { readonly cell: StageCell; readonly note: string }[];
  /** Somebody has paused the backfill meanwhile, or others have it: not all of it was opened. */
  readonly refused: boolean;
}

/** How the coordinator opens: only while it may, and with the moment of its plan. */
export interface Opening {
  readonly guard: Guard | undefined;
  readonly plannedAt: number;
}

/** Opens cells of a stage: by itself, or through the cascade that leads to them. */
export async function openStageCells(engine: Engine, record: BackfillRecord, start: readonly StageCell[], opening: Opening): Promise<Opened> {
  const answered: CellKey[] = [];
  const kept: StageCell[] = [];
  const held: { readonly cell: StageCell; readonly note: string }[] = [];
  let refused = false;
  const open = async (cells: readonly StageCell[]): Promise<void> => {
    const outcomes = await openThem(engine, record, cells, opening);
    if (outcomes.length < cells.length) refused = true;
    answered.push(...outcomes.filter(({ outcome }) => outcome !== 'open'));
  };
  for (const [cascadeOf, cells] of Map.groupBy(start, (cell) => cell.cascadeOf)) {
    const phase = engine.pipeline.phases.find(({ name }) => name === cascadeOf);
    if (!phase) {
      await open(cells);
      continue;
    }
    for (const release of await releaseStaged(engine, record, phase, cells)) {
      // What the cascade has opened is open; what there was no room for then is opened now, as a part of it.
      if (release.reasons.length === 0) await open(release.cells);
      else {
        const { goesBy, because } = await whatKeeps(engine, phase, release);
        if (goesBy) kept.push(...release.cells);
        else held.push(...release.cells.map((cell) => ({ cell, note: [...because, whyHeld(phase, release)].join('; ') })));
      }
    }
  }
  return { answered, kept, held, refused };
}

async function openThem(engine: Engine, record: BackfillRecord, cells: readonly StageCell[], { guard, plannedAt }: Opening): Promise<AskCell[]> {
  const answered: AskCell[] = [];
  const isSilent = (cell: StageCell): boolean => !startsNext(record, record.stage, engine.world.processor(cell.processor).phase);
  const groups = Map.groupBy(cells, (cell) => `${cell.action === 'rerun'} ${isSilent(cell)}`);
  for (const group of groups.values()) {
    const [first] = group;
    if (!first) continue;
    const silent = isSilent(first);
    // What a crash undoes of it is found and opened again by whoever plans the stage next.
    const ask = stageAsk(record, { rerun: first.action === 'rerun', silent, at: engine.parts.clock.now(), ...(engine.parts.shared ? { plannedAt } : {}) });
    answered.push(...await openAsk(engine, ask, group.map(({ processor, day, action, reason }) => ({ processor, day, reason: `${action}: ${reason}` })), { guard, durable: 'with_next' }));
  }
  return answered;
}

/** The pipeline is paused, or somebody works on what the cells read: that goes by. Not where it is a request that is stuck itself. */
async function whatKeeps(engine: Engine, phase: Phase, { cells, reasons }: StagedRelease): Promise<{ readonly goesBy: boolean; readonly because: readonly string[] }> {
  const { world, strictness } = engine;
  const read = [...ownDateInputs(world, phase, cells), ...cells.flatMap((cell) => judgeInputs(world, world.processor(cell.processor), cell.day, strictness).blocking)];
  const open = [...new Map(read.map((cell) => [keyOf(cell), cell])).values()].filter((cell) => recordOf(engine, cell).request !== null);
  const stuck = await stuckChains(engine, open);
  const goesBy = reasons.some(({ condition }) => condition === PAUSED) || stuck.size < open.length;
  return { goesBy, because: goesBy ? [] : [...stuck.values()].flatMap((chain) => othersWaitText(engine.world, chain) ?? []) };
}

function whyHeld(phase: Phase, { reasons }: StagedRelease): string {
  return `the cascade of ${phase.name} was not released: ${reasons.map(({ condition, text }) => `(${condition}) ${text}`).join('; ')}`;
}
