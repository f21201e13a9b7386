import assert from 'node:assert/strict';
import fc from 'fast-check';
import { dayOf, formatDay } from '../../shared/calendar/day.ts';
import { HeldBackError, InputError } from '../../shared/failures/errors.ts';
import { backfillRecordSchema, hasEnded, type BackfillRecord, type BackfillState, type GateResult } from '../../shared/staged/record.ts';
import { approved, begun, cancelled, paused, resumed, retried, skipped, stageEnded, stopped, withFailures, type Person } from '../../shared/staged/transitions.ts';
import { asked, definitionOf, type StageSketch } from './builders.ts';

/**
 * A person's orders and what the coordinator does in between, in every order, beside a model that knows no more than the
 * table of states in docs/backfills.md.
 */

const GATE: GateResult = { at: 5, passed: true, reasons: [], tables: [], successRate: 100, unresolved: 0, checks: [], notes: [] };
const HOLDS: GateResult = { ...GATE, passed: false, reasons: ['Box: 3 of 4 dates are complete'] };
const FROM = dayOf('2024-01-01');

type Order = 'pause' | 'resume' | 'retry' | 'cancel' | 'approve' | 'skip';
type Turn = 'cell_fails' | 'stops' | 'gate_passes' | 'gate_holds';
interface Act {
  readonly what: Order | Turn;
  /** Which date is skipped, or fails: 0 to 9 are asked for, the others are not. */
  readonly day: number;
}

interface Model {
  state: BackfillState;
  stage: number;
  readonly approval: readonly boolean[];
  readonly approved: Set<number>;
  readonly skips: Set<number>;
  /** Failures of the current stage that nobody has dealt with. */
  open: Set<string>;
  round: number;
}

const acts: fc.Arbitrary<Act> = fc.record({
  // Cancelling ends the story: seldom.
  what: fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom<Act['what']>('pause', 'resume', 'retry', 'approve', 'skip', 'cell_fails', 'stops', 'gate_passes', 'gate_holds') },
    { weight: 1, arbitrary: fc.constant<Act['what']>('cancel') },
  ),
  day: fc.integer({ min: 0, max: 11 }),
});

type Refusal = 'InputError' | 'HeldBackError';

function policyAt(stage: number): 'stop' | 'continue' {
  return stage % 2 === 0 ? 'stop' : 'continue';
}

/** What the order does to the model, or the error that refuses it; null: the coordinator does no such thing now. */
function expected(model: Model, { what, day }: Act): (() => void) | Refusal | null {
  const ended = model.state === 'finished' || model.state === 'cancelled';
  const isOrder = ['pause', 'resume', 'retry', 'cancel', 'approve', 'skip'].includes(what);
  if (ended) return isOrder ? 'InputError' : null;
  const goesOn = (): void => {
    model.state = 'running';
    model.round += 1;
    model.open = new Set();
  };
  const enters = (stage: number): void => {
    if (stage > model.stage && stage < model.approval.length) {
      model.round = 0;
      model.open = new Set();
      model.stage = stage;
    }
    model.state = stage >= model.approval.length ? 'finished' : model.approval[stage] && !model.approved.has(stage) ? 'waits_for_approval' : 'running';
  };
  switch (what) {
    case 'pause': return model.state === 'running' ? () => { model.state = 'paused'; } : 'HeldBackError';
    case 'resume':
      if (model.state === 'running' || model.state === 'waits_for_approval') return 'HeldBackError';
      // What failed meanwhile would have stopped it, where that is the stage's policy: then it goes on at that.
      return model.state === 'paused' && (model.open.size === 0 || policyAt(model.stage) !== 'stop') ? () => { model.state = 'running'; } : goesOn;
    case 'retry':
      if (model.state === 'waits_for_approval') return 'HeldBackError';
      return () => {
        const paused = model.state === 'paused';
        goesOn();
        if (paused) model.state = 'paused';
      };
    case 'cancel': return () => { model.state = 'cancelled'; };
    case 'approve':
      if (model.state !== 'waits_for_approval') return 'InputError';
      return () => {
        model.approved.add(model.stage);
        enters(model.stage);
      };
    case 'skip':
      if (day > 9) return 'InputError';
      if (model.skips.has(day)) return 'HeldBackError';
      return () => {
        model.skips.add(day);
        model.round += 1;
        model.open = new Set([...model.open].filter((failure) => !failure.startsWith(`${day}/`)));
      };
    case 'cell_fails': return model.state === 'running' && day <= 9 ? () => { model.open.add(`${day}/${model.round}`); } : null;
    case 'stops': return model.state === 'running' ? () => { model.state = 'stopped'; } : null;
    case 'gate_passes': return model.state === 'running' ? () => enters(model.stage + 1) : null;
    case 'gate_holds': return model.state === 'running' ? () => { model.state = 'gate_held'; } : null;
  }
}

function act(record: BackfillRecord, { what, day }: Act, person: Person, now: number): BackfillRecord {
  const date = dayOf(`2024-01-${String(day + 1).padStart(2, '0')}`);
  switch (what) {
    case 'pause': return paused(record, person, now);
    case 'resume': return resumed(record, person, now);
    case 'retry': return retried(record, person, now);
    case 'cancel': return cancelled(record, person, now);
    case 'approve': return approved(record, person, now);
    case 'skip': return skipped(record, date, person, now);
    case 'cell_fails': return withFailures(record, [{ processor: 'Box', day: date, category: 'processing', message: 'division by zero', runId: `run-${record.stage}-${day}-${record.stages[record.stage]!.round}`, skipped: false }], now);
    case 'stops': return stopped(record, 'Box failed', now);
    case 'gate_passes': return stageEnded(record, GATE, now);
    case 'gate_holds': return stageEnded(record, HOLDS, now);
  }
}

function deepFrozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFrozen(part);
  }
  return value;
}

describe('orders to a staged backfill, in every order', () => {
  it('do what the table of states says, are refused with the error that says so where they make no sense, and are all in the journal', () => {
    fc.assert(fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }), fc.array(acts, { maxLength: 40 }), (approval, list) => {
      const stages: readonly StageSketch[] = approval.map((needs_approval, index) => ({ name: `stage_${index}`, phases: ['raw'], needs_approval, error_policy: policyAt(index), gate: {} }));
      let record = deepFrozen(begun('whole-1', definitionOf(stages), asked('2024-01-01', '2024-01-10')));
      const model: Model = { state: approval[0] ? 'waits_for_approval' : 'running', stage: 0, approval, approved: new Set(), skips: new Set(), open: new Set(), round: 0 };
      let now = 2000;
      for (const next of list) {
        now += 1;
        const person = { by: `person-${now}`, reason: `reason-${now}` };
        const outcome = expected(model, next);
        if (outcome === null) continue;
        if (typeof outcome === 'string') {
          const refusal = outcome === 'InputError' ? InputError : HeldBackError;
          assert.throws(() => act(record, next, person, now), (error) => error instanceof refusal && error.message.includes(next.what === 'skip' && !hasEnded(record) ? formatDay(dayOf(`2024-01-${String(next.day + 1).padStart(2, '0')}`)) : 'whole-1'), `${next.what} while ${model.state}`);
          continue;
        }
        const before = record;
        record = deepFrozen(act(record, next, person, now));
        outcome();
        assert.equal(record.state, model.state, `${next.what} after ${before.state}`);
        assert.equal(record.stage, model.stage);
        assert.equal(record.stages[model.stage]!.round, model.round, next.what);
        assert.deepEqual(new Set(record.skips.map((skip) => skip.day - FROM)), model.skips);
        assert.equal(record.failures.filter((failure) => failure.stage === `stage_${model.stage}` && failure.became === 'open').length, model.open.size, `${next.what}: open failures`);
        assert.equal(record.endedAt !== null, hasEnded(record));
        // The journal only grows, by a word of who ordered what and why.
        assert.deepEqual(record.journal.slice(0, before.journal.length), before.journal);
        if (next.what !== 'cell_fails') assert.ok(record.journal.length > before.journal.length, `${next.what} is not in the journal`);
        if (record.journal[before.journal.length]?.by === person.by) assert.match(record.journal[before.journal.length]!.text, new RegExp(person.reason));
        assert.deepEqual(backfillRecordSchema.parse(JSON.parse(JSON.stringify(record))), record, 'it can be kept');
      }
      const people = record.journal.filter((entry) => entry.by.startsWith('person-'));
      assert.ok(people.every((entry, index) => index === 0 || entry.at > people[index - 1]!.at));
    }), { numRuns: 500 });
  });

  const ORDERS: readonly (readonly [Order, (record: BackfillRecord) => BackfillRecord])[] = (['pause', 'resume', 'retry', 'cancel', 'approve', 'skip'] as const).map((what) => [what, (record) => act(record, { what, day: 1 }, { by: 'kim', reason: 'because' }, 9000)]);
  for (const end of ['finished', 'cancelled'] as const) {
    for (const [order, give] of ORDERS) {
      it(`${order} never wakes what is ${end}`, () => {
        const running = begun('whole-1', definitionOf([{ name: 'raw', phases: ['raw'] }]), asked('2024-01-01', '2024-01-10'));
        const ended = end === 'finished' ? stageEnded(running, null, 3000) : cancelled(running, { by: 'ann', reason: 'a mistake' }, 3000);
        assert.throws(() => give(ended), (error) => error instanceof InputError && new RegExp(`received ${order} for backfill whole-1, which is ${end}; .*start another with`).test(error.message));
      });
    }
  }
});
