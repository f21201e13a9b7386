import { dayOf, formatDay, type Day } from '../calendar/day.ts';
import { factsOf } from '../gaps/cell-facts.ts';
import type { DeliveredMessage } from '../ports/message-bus.ts';
import { planRecovery } from '../recovery/planner.ts';
import type { Ask, AskCell } from '../requests/ask.ts';
import { expandRequest } from '../requests/expand.ts';
import type { BackfillRequest } from '../requests/messages.ts';
import { parseRequest } from '../requests/parse-request.ts';
import { commandFor, describeOutage } from './detect-gaps.ts';
import type { Engine } from './engine.ts';
import { openAsk } from './open.ts';

export type Received =
  | { readonly kind: 'refused'; readonly reason: string }
  /** Right, and nothing to do: off-days only, or a dry run. */
  | { readonly kind: 'nothing'; readonly reason: string }
  | { readonly kind: 'asked'; readonly askId: string; readonly cells: readonly AskCell[] };

/** Takes a published backfill request: an ask on each cell that it names, and requests of their own for inputs that are missing. */
export async function receiveRequest(engine: Engine, message: DeliveredMessage): Promise<Received> {
  const parsed = parseRequest(engine.pipeline, message.body);
  if (parsed.kind === 'refused') return refuse(engine, message.messageId, 'unreadable request', parsed.reason);
  const request = parsed.value;
  const askId = request.request_id ?? message.messageId;
  const summary = `${request.processor_name} ${request.start_date}${request.end_date === request.start_date ? '' : ` to ${request.end_date}`}`;
  const early = checkEarly(engine, request);
  if (early) return refuse(engine, askId, summary, early);
  const answered = await answeredBefore(engine, askId);
  if (answered) return { kind: 'asked', askId, cells: answered };
  const expansion = await expand(engine, request);
  if (expansion.kind === 'refused') return refuse(engine, askId, summary, expansion.reason);
  if (expansion.kind === 'nothing') {
    await openAsk(engine, askOf(engine, request, askId, `${summary}: ${expansion.reason}`), []);
    return expansion;
  }
  const cells = expansion.days.map((day) => ({ processor: expansion.processor, day }));
  if (request.dry_run) {
    const would = cells.map((cell) => `${formatDay(cell.day)} ${factsOf(engine.world, engine.world.processor(cell.processor), cell.day).data}`);
    return { kind: 'nothing', reason: `dry run of ${summary}: ${would.join(', ')}` };
  }
  const wasKnown = await engine.parts.store.ask(askId) !== null;
  const opened = await openAsk(engine, askOf(engine, request, askId, summary), cells);
  if (!request.force) await fillInputs(engine, expansion.processor, expansion.days, askId, wasKnown);
  return { kind: 'asked', askId, cells: opened };
}

/** What can be refused without reading the warehouse is: a wrong message costs nothing. */
function checkEarly(engine: Engine, request: BackfillRequest): string | null {
  const early = expandRequest(request, { ...expandFacts(engine), expectedDays: (_name, from) => [from] });
  return early.kind === 'refused' ? early.reason : null;
}

/** A redelivered message whose cells all have a request, or their outcome, is answered from state. */
async function answeredBefore(engine: Engine, askId: string): Promise<readonly AskCell[] | null> {
  const { store } = engine.parts;
  const known = await store.ask(askId);
  if (!known || known.cells.length === 0) return null;
  for (const cell of known.cells) {
    const state = cell.outcome === 'open' ? (await store.cell(cell)).request?.state : undefined;
    // Its inputs may not have been asked for: the process that did it is gone.
    if (state === 'waiting' || state === 'blocked') return null;
  }
  return known.cells;
}

async function expand(engine: Engine, request: BackfillRequest): Promise<ReturnType<typeof expandRequest>> {
  const processor = engine.world.processor(request.processor_name);
  await engine.look(processor, dayOf(request.start_date), dayOf(request.end_date));
  return expandRequest(request, expandFacts(engine));
}

function expandFacts(engine: Engine): Parameters<typeof expandRequest>[1] {
  const { pipeline } = engine;
  return {
    processorNames: pipeline.processors.map((processor) => processor.name),
    isBackfillable: (name: string): boolean => {
      const processor = pipeline.byName.get(name);
      return processor !== undefined && processor.backfillable && processor.phase.backfillable;
    },
    expectedDays: (name: string, from: Day, to: Day): readonly Day[] => engine.world.expectedDates(engine.world.processor(name)).within(from, to),
    today: engine.moment().today,
    maxDates: pipeline.settings.max_dates_per_message,
  };
}

function askOf(engine: Engine, request: BackfillRequest, askId: string, summary: string): Ask {
  return {
    id: askId,
    asker: 'person',
    by: request.requested_by ?? 'unknown',
    reason: request.reason ?? request.trigger_reason ?? 'asked for by message',
    at: engine.parts.clock.now(),
    priority: request.priority,
    reprocess: request.reprocess,
    force: request.force,
    skipDownstreamTrigger: request.skip_downstream_trigger,
    isBackfill: request.is_backfill,
    planId: null,
    backfillId: request.backfill_id ?? null,
    summary,
    refused: null,
    ...(request.cause_id === null ? {} : { cause: request.cause_id }),
  };
}

async function refuse(engine: Engine, askId: string, summary: string, reason: string): Promise<Received> {
  const now = engine.parts.clock.now();
  await engine.change({ asks: [askId] }, (snapshot) => ({
    writes: {
      asks: snapshot.ask(askId) ? [] : [{
        id: askId, asker: 'person', by: 'unknown', reason: '', at: now, priority: 'normal', reprocess: 'none', force: false, skipDownstreamTrigger: true, isBackfill: true, planId: null,
        backfillId: null, summary, refused: reason,
      }],
    },
    result: null,
  }));
  return { kind: 'refused', reason };
}

/** Inputs that the asked cells wait for get requests of their own, root causes first, within the bounds; over them, one alert. */
async function fillInputs(engine: Engine, processor: string, days: readonly Day[], askId: string, wasKnown: boolean): Promise<void> {
  const [from] = days;
  const to = days.at(-1);
  if (from === undefined || to === undefined) return;
  const waiting = (await engine.parts.store.openCells()).filter((record) => record.request?.asks.includes(askId) && record.request.state !== 'queued');
  if (waiting.length === 0) return;
  const { steps, overBounds } = planRecovery(engine.world, {
    scope: { from, to, processors: new Set([processor]) }, by: 'person', all: false, altered: 'policy', source: () => 'unknown', ownedBy: () => null, detectFrom: null,
  });
  const inputs = steps.filter((step) => step.action !== 'check');
  if (inputs.length > 0) {
    const ask: Ask = {
      id: `${askId}:inputs`, cause: askId, asker: 'detector', by: 'backfill-worker', reason: `input of ${processor}`, at: engine.parts.clock.now(), priority: 'high', reprocess: 'none',
      force: false,
      skipDownstreamTrigger: true, isBackfill: true, planId: null, backfillId: null, summary: `inputs of ${askId}`, refused: null,
    };
    await openAsk(engine, ask, inputs);
  }
  if (overBounds.length > 0 && !wasKnown) {
    await engine.parts.notifier.notify({
      severity: 'warning', event: 'request_over_bounds', title: `a request waits for inputs over the bounds of automatic recovery`, lines: overBounds.map(describeOutage), command: commandFor(overBounds), at: engine.parts.clock.now(),
    });
  }
}
