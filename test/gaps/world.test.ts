import assert from 'node:assert/strict';
import fc from 'fast-check';
import { addDays, day, dayOf, type Day } from '../../shared/calendar/day.ts';
import { factsOf } from '../../shared/gaps/cell-facts.ts';
import { detect } from '../../shared/gaps/detect.ts';
import { traceOf } from '../../shared/gaps/trace.ts';
import { World } from '../../shared/gaps/world.ts';
import { judgeInputs } from '../../shared/gaps/usable.ts';
import { emptyRecord } from '../../shared/requests/cell.ts';
import { CHAIN, complete, failureOf, goodRows, LEAGUE, makePipeline, makeWorld, momentOf, openOn, runOf, type PipelineSketch } from '../core-builders.ts';

const FIRST = dayOf('2024-01-01');
const DAYS = 12;

const WITH_HISTORY: PipelineSketch = {
  ...LEAGUE,
  processors: {
    ...LEAGUE.processors,
    Features: { phase: 'features', upstream: [{ processor: 'Summary', window: { days: 5, include_own_date: true } }, { processor: 'Ahead', window: 'own_date' }], reads_own_history: { window: { game_dates: 2 } } },
  },
};

/** One thing that happens to one cell. */
const events = fc.record({
  processor: fc.nat(4),
  offset: fc.nat(DAYS - 1),
  kind: fc.constantFrom('ran', 'lost', 'altered', 'short', 'accepted', 'accepted_key', 'unaccepted', 'open', 'closed', 'held', 'failed', 'forgotten', 'suspect', 'external'),
  ask: fc.nat(DAYS - 1),
});

function happen(world: World, event: { readonly processor: number; readonly offset: number; readonly kind: string; readonly ask: number }): void {
  const { processors } = world.pipeline;
  const processor = processors[event.processor % processors.length];
  assert.ok(processor);
  const at = addDays(FIRST, event.offset);
  const { name } = processor;
  const coverage = world.coverage(processor, at);
  const record = world.record(processor, at);
  const acceptance = { by: 'ann', reason: 'known', at: 0, until: null, fingerprint: coverage?.fingerprint ?? null };
  switch (event.kind) {
    case 'ran': case 'external':
      world.setCoverage(processor, at, goodRows(world, name, at, event.ask));
      world.setRecord({ ...world.record(processor, at), failure: null, last: runOf(world, name, at, { origin: event.kind === 'ran' ? 'ours' : 'external', ...(event.ask % 3 === 0 ? { trace: null } : {}) }) });
      break;
    case 'lost': world.setCoverage(processor, at, undefined); break;
    case 'altered': world.setCoverage(processor, at, goodRows(world, name, at, `altered ${event.ask}`)); break;
    case 'short': world.setCoverage(processor, at, goodRows(world, name, at, 1, { rows: 1, games: processor.gameColumn === null ? null : {} })); break;
    case 'accepted': world.setRecord({ ...record, acceptance: { ...acceptance, missingKeys: [] } }); break;
    case 'accepted_key': world.setRecord({ ...record, acceptance: { ...acceptance, missingKeys: world.expectedDates(processor).keys(at).slice(0, 1) } }); break;
    case 'unaccepted': world.setRecord({ ...record, acceptance: null }); break;
    case 'open': if (!record.request) openOn(world, name, `2024-01-${String(event.offset + 1).padStart(2, '0')}`); break;
    case 'closed': world.setRecord({ ...record, request: null }); break;
    case 'held': world.setRecord({ ...record, hold: record.hold ? null : { by: 'ann', reason: 'wait', at: 0 } }); break;
    case 'failed': world.setRecord({ ...record, failure: failureOf({ inputsDigest: traceOf(world, processor, at).digest, definitionHash: processor.definitionHash }) }); break;
    case 'forgotten': world.setRecord({ ...emptyRecord({ processor: name, day: at }) }); break;
    case 'suspect': world.setRecord({ ...record, suspect: record.suspect === null ? 'so' : null }); break;
  }
}

/** All that can be asked of a world, about every cell. */
function everything(world: World): unknown {
  const cells = world.pipeline.processors.flatMap((processor) => Array.from({ length: DAYS }, (_, offset) => {
    const at = addDays(FIRST, offset);
    const upTo = { from: FIRST, to: at };
    return {
      cell: `${processor.name} ${offset}`, facts: factsOf(world, processor, at), actual: world.traceDigests(processor, at), recorded: world.traceDigests(processor, at, 'recorded'),
      inputs: judgeInputs(world, processor, at, { strict: true, windowCompleteness: 0.9 }), unusable: world.unusableIn(processor, upTo), first: world.firstUnusableIn(processor, upTo), open: world.lastOpenIn(processor, upTo),
      lacking: world.readsLacking(processor, at), ours: world.readsOwnRuns(processor, at),
    };
  }));
  return { cells, detection: detect(world, { from: FIRST, to: addDays(FIRST, DAYS - 1), processors: null }) };
}

/** The same coverage and records, in a world that never knew others. */
function fresh(world: World): World {
  const next = new World(world.pipeline, world.calendar, world.moment);
  for (const processor of world.pipeline.processors) {
    for (let at: Day = FIRST; at < FIRST + DAYS; at = addDays(at, 1)) {
      next.setRecord(world.record(processor, at));
      next.setCoverage(processor, at, world.coverage(processor, at));
    }
  }
  return next;
}

describe('A world that is kept up to date', () => {
  for (const [words, sketch] of [['a league with keys and forward-looking cells', LEAGUE], ['own history', WITH_HISTORY], ['a chain without a schedule', CHAIN]] as const) {
    it(`equals one that is built anew, after any changes and questions: ${words}`, () => {
      const pipeline = makePipeline(sketch);
      fc.assert(fc.property(fc.boolean(), fc.array(events, { maxLength: 40 }), (startComplete, list) => {
        const world = makeWorld(pipeline, { now: '2024-01-11T12:00:00Z' });
        if (startComplete) complete(world, '2024-01-12');
        for (const event of list) {
          happen(world, event);
          // Questions in between fill what is kept, at any place.
          const processor = pipeline.processors[event.ask % pipeline.processors.length];
          if (processor) factsOf(world, processor, day(FIRST + event.ask));
          if (event.ask % 4 === 0) detect(world, { from: FIRST, to: addDays(FIRST, event.ask), processors: null });
        }
        assert.deepEqual(everything(world), everything(fresh(world)));
        assert.deepEqual(everything(world.at(world.moment)), everything(world));
      }), { numRuns: 120 });
    });
  }

  it('judges anew when time has passed', () => {
    const pipeline = makePipeline(LEAGUE);
    const world = makeWorld(pipeline, { now: '2024-01-02T17:00:00Z' });
    const box = world.processor('Box');
    assert.equal(factsOf(world, box, dayOf('2024-01-02')).data, 'pending');
    assert.equal(factsOf(world.at(momentOf(pipeline, '2024-01-03T12:00:00Z')), box, dayOf('2024-01-02')).data, 'missing');
  });

  it('takes no notice of cells outside its calendar, nor of processors that have left the definition', () => {
    const world = makeWorld(makePipeline(CHAIN));
    world.setCoverage(world.processor('A'), dayOf('1999-01-01'), goodRows(world, 'A', dayOf('2024-01-01')));
    world.setRecord({ ...emptyRecord({ processor: 'Gone', day: dayOf('2024-01-01') }), generation: 1 });
    assert.equal(world.coverage(world.processor('A'), dayOf('1999-01-01')), undefined);
    assert.equal(world.record(world.processor('A'), dayOf('1999-01-01')).generation, 0);
    assert.throws(() => world.processor('Gone'), /received processor 'Gone'/);
  });

  it('takes coverage without a row for none', () => {
    const world = makeWorld(makePipeline(CHAIN));
    world.setCoverage(world.processor('A'), dayOf('2024-01-02'), goodRows(world, 'A', dayOf('2024-01-02'), 1, { rows: 0 }));
    assert.equal(world.coverage(world.processor('A'), dayOf('2024-01-02')), undefined);
  });
});
