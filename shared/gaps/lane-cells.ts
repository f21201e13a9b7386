import type { Day } from '../calendar/day.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import { writtenByUs, type CellRecord } from '../requests/cell.ts';
import { factsOf, isExpected } from './cell-facts.ts';
import type { Coverage } from './coverage.ts';
import { expectationOf } from './expectation.ts';
import { acceptanceHolds, shortcomingsOf, type CellFacts } from './facts.ts';
import { parseHex64 } from './fingerprint.ts';
import type { Lane } from './lane.ts';
import { PrefixCounts } from './prefix-sums.ts';
import { usable } from './usable.ts';
import type { World } from './world.ts';

/** A lane of `length` days of which nothing is known yet; `dayAt` is the day at an index. */
export function emptyLane(world: World, processor: Processor, length: number, dayAt: (index: number) => Day): Lane {
  const lane: Lane = {
    processor,
    expected: world.calendar.expectedOf(processor),
    coverage: Array.from<Coverage | undefined>({ length }).fill(undefined),
    records: Array.from<CellRecord | undefined>({ length }).fill(undefined),
    facts: Array.from<CellFacts | undefined>({ length }).fill(undefined),
    judgedTo: 0,
    plain: new Uint8Array(length),
    sums: new Map(),
    lacking: new PrefixCounts(length, (index) => lacks(world, lane, index, dayAt(index))),
    open: new PrefixCounts(length, (index) => (lane.records[index]?.request ?? null) !== null),
    ours: new PrefixCounts(length, (index) => writtenByUs(lane.records[index]?.last)),
    unusable: new PrefixCounts(length, (index) => {
      const date = dayAt(index);
      return lane.expected.has(date) && !usable(processor, factsOf(world, processor, date)).usable;
    }),
    inputs: [],
    affected: [],
  };
  return lane;
}

/**
 * Notes whether rows, run and record of a cell leave nothing to judge but its inputs, and what its run read of those: what
 * can be said of it without them is said when it changes, while its records are at hand.
 */
export function notePlain(world: World, lane: Lane, index: number, date: Day): void {
  lane.plain[index] = isPlain(world, lane, index, date) ? 1 : 0;
}

function isPlain(world: World, { processor, coverage, records, inputs }: Lane, index: number, date: Day): boolean {
  const held = coverage[index];
  const record = records[index];
  if (!held || !record?.last?.trace || record.request || record.hold || record.failure || record.acceptance) return false;
  // Keys accepted as missing may be demanded again; those accepted later only take something away.
  if (world.hasAcceptedKeys(date)) return false;
  const { fingerprint, trace } = record.last;
  if (fingerprint !== held.fingerprint || trace.definitionHash !== processor.definitionHash || trace.codeVersion !== processor.codeVersion) return false;
  for (const { key, read } of inputs) {
    const digest = parseHex64(trace.edges[key]);
    if (!digest) return false;
    read[2 * index] = digest.high;
    read[2 * index + 1] = digest.low;
  }
  return shortcomingsOf(held, expectationOf(world, processor, date)).length === 0;
}

/** Whether rows that are expected of a cell are not there, and nobody has accepted that. */
function lacks(world: World, { processor, coverage, records }: Lane, index: number, date: Day): boolean {
  if (!isExpected(world, processor, date)) return false;
  const held = coverage[index];
  const record = records[index];
  if (record && acceptanceHolds(record, held, world.moment.now)) return false;
  const expectation = expectationOf(world, processor, date);
  if (!held) return !(expectation.mayBeEmpty && record?.last?.rows === 0);
  return shortcomingsOf(held, expectation).length > 0;
}
