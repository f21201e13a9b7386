import { addDays, type Day } from '../calendar/day.ts';
import { factsOf } from '../gaps/cell-facts.ts';
import { describeCell } from '../gaps/usable.ts';
import type { World } from '../gaps/world.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { CellKey } from '../requests/cell.ts';
import type { LeftOut, PlanRequest, PlanStep } from './plan.ts';

/** What a plan leaves out, by `cellId`. */
export type LeftOutById = Map<number, LeftOut>;

/**
 * Adds, to the cells that a plan mends, the cells that read them at any depth and have rows already: each is compared
 * again at its turn, and run only if what it read is no longer what there is. Those outside the scope are added with
 * `all`, else listed.
 */
export function addReaders(world: World, request: PlanRequest, mended: readonly PlanStep[], leftOut: LeftOutById): PlanStep[] {
  const [first] = mended;
  if (!first) return [];
  /** Days of the plan by processor rank, ascending, since dates are walked in order. */
  const planned: Day[][] = world.pipeline.processors.map(() => []);
  const steps: PlanStep[] = [];
  // What is mended comes in the order of this walk: date, then phase.
  let next = 0;
  const end = request.all ? world.calendar.last : endOfInterest(world, mended);
  for (let day = first.day; day <= end && day <= world.moment.today; day = addDays(day, 1)) {
    for (const processor of world.pipeline.processors) {
      const own = mended[next];
      const isMended = own !== undefined && own.day === day && own.processor === processor.name;
      if (isMended) next += 1;
      const step = isMended ? own : readerStep(world, request, processor, day, planned, leftOut);
      if (!step) continue;
      steps.push(step);
      planned[processor.rank]?.push(day);
    }
  }
  return steps;
}

/** Without `all` readers are looked for, to be listed, up to the end of the season of the last mended date. */
function endOfInterest(world: World, mended: readonly PlanStep[]): Day {
  const last = mended.reduce((latest, step) => (step.day > latest ? step.day : latest), mended[0]?.day ?? world.calendar.first);
  return world.calendar.seasonOf(last)?.to ?? last;
}

function readerStep(world: World, request: PlanRequest, processor: Processor, day: Day, planned: readonly Day[][], leftOut: LeftOutById): PlanStep | null {
  if (!world.expectedDates(processor).has(day)) return null;
  const read = plannedInput(world, processor, day, planned);
  if (!read) return null;
  const id = world.cellId(processor, day);
  if (leftOut.has(id)) return null;
  const facts = factsOf(world, processor, day);
  if (facts.data !== 'present' || facts.activity !== 'idle' || facts.trace === 'altered') return null;
  const key = { processor: processor.name, day };
  if (!processor.backfillable || processor.stalePolicy === 'report' || request.ownedBy(key) !== null) return null;
  if (request.by === 'detector' && processor.phase.mode === 'observe') return null;
  if (!request.all && isOutside(request, processor, day)) {
    leftOut.set(id, { ...key, code: 'reader_outside', reason: `reads ${describeCell(read)}, outside the range asked for`, because: read });
    return null;
  }
  return { processor: processor.name, day, action: 'check', reason: `reads ${describeCell(read)}`, isRootCause: false };
}

function isOutside(request: PlanRequest, processor: Processor, day: Day): boolean {
  const { scope } = request;
  return day < scope.from || day > scope.to || (scope.processors !== null && !scope.processors.has(processor.name));
}

/** Days of cells by the rank of their processors, ascending. */
export function daysByRank(world: World, cells: readonly CellKey[]): readonly Day[][] {
  const days: Day[][] = world.pipeline.processors.map(() => []);
  for (const { processor, day } of cells.toSorted((a, b) => a.day - b.day)) days[world.processor(processor).rank]?.push(day);
  return days;
}

/** The newest planned cell in the windows of a cell. `planned`: days by rank, ascending. */
export function plannedInput(world: World, processor: Processor, day: Day, planned: readonly Day[][]): CellKey | null {
  for (const edge of processor.upstreams) {
    const range = world.range(edge, day);
    if (!range) continue;
    const days = planned[world.processor(edge.upstream).rank] ?? [];
    for (let index = days.length - 1; index >= 0; index -= 1) {
      const at = days[index];
      if (at === undefined || at < range.from) break;
      if (at <= range.to) return { processor: edge.upstream, day: at };
    }
  }
  return null;
}
