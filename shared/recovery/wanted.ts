import { formatDay, type Day } from '../calendar/day.ts';
import { factsOf } from '../gaps/cell-facts.ts';
import { reasonOf } from '../gaps/detect.ts';
import { isSettled, type CellFacts } from '../gaps/facts.ts';
import type { World } from '../gaps/world.ts';
import type { Processor } from '../pipeline/pipeline.ts';
import type { LeftOutCode, PlanRequest, StepAction } from './plan.ts';

export type Wanted =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'run'; readonly action: Exclude<StepAction, 'check'>; readonly reason: string }
  | { readonly kind: 'left_out'; readonly code: LeftOutCode; readonly reason: string };

const NOTHING: Wanted = { kind: 'nothing' };

/** What a recovery wants to do with one cell by itself, its inputs aside. */
export function wantedOf(world: World, processor: Processor, day: Day, request: PlanRequest): Wanted {
  const facts = factsOf(world, processor, day);
  if (isSettled(facts)) return NOTHING;
  const record = world.record(processor, day);
  const refused = refusal(world, processor, day, facts, request);
  if (refused) return refused;
  const reason = reasonOf(facts, null);
  if (facts.activity === 'held' && facts.data === 'present' && (facts.trace === 'fresh' || facts.trace === 'unknown')) {
    return { kind: 'left_out', code: 'held', reason: `its last run ${record.failure?.outcome ?? 'failed'}: ${record.failure?.message ?? ''}; its rows are good, and run again by reprocess failed only` };
  }
  if (facts.data === 'missing' || facts.data === 'short') return { kind: 'run', action: 'fill', reason };
  if (facts.trace === 'altered') {
    const policy = request.altered === 'policy' ? processor.alteredPolicy : request.altered;
    return policy === 'reprocess' ? { kind: 'run', action: 'redo', reason } : { kind: 'left_out', code: 'altered', reason: `${reason}; accept them, or recover with --altered reprocess` };
  }
  if (processor.stalePolicy === 'report') return { kind: 'left_out', code: 'stale_report', reason: `${reason}; stale_policy is report` };
  return { kind: 'run', action: 'redo', reason };
}

function refusal(world: World, processor: Processor, day: Day, facts: CellFacts, request: PlanRequest): Wanted | null {
  const leave = (code: LeftOutCode, reason: string): Wanted => ({ kind: 'left_out', code, reason });
  const record = world.record(processor, day);
  if (!processor.backfillable || !processor.phase.backfillable) return leave('not_backfillable', `${processor.backfillable ? processor.phase.name : processor.name} is not backfillable`);
  if (facts.activity === 'in_flight' || facts.activity === 'open') return leave('open', `a request is open on it: ${record.request?.reason ?? ''}`);
  const owner = request.ownedBy({ processor: processor.name, day });
  if (owner) return leave('owned', `belongs to ${owner}`);
  if (facts.activity === 'held') {
    if (record.hold) return leave('held', `held by ${record.hold.by}: ${record.hold.reason}`);
    if (request.by === 'detector') return leave('held', `its last run ${record.failure?.outcome ?? 'failed'}: ${record.failure?.message ?? ''}; it runs again when its inputs change or a person asks`);
  }
  if (request.by === 'detector') {
    if (processor.phase.mode === 'observe') return leave('observe', `${processor.phase.name} is in observe mode: nothing is queued for it`);
    if (facts.activity === 'cooling') return leave('cooling', `cools down until ${new Date(record.failure?.coolsUntil ?? 0).toISOString()}`);
    if (request.detectFrom !== null && day < request.detectFrom) return leave('before_detect_from', `older than detect_from ${formatDay(request.detectFrom)}`);
  }
  if ((processor.upstreams.length === 0 || processor.sourceCheck !== null) && facts.data !== 'present') {
    const source = request.source({ processor: processor.name, day });
    if (source === 'no_data') return leave('source_empty', 'its source has nothing for this date');
  }
  return null;
}
