import { formatDay } from '../../shared/calendar/day.ts';
import type { World } from '../../shared/gaps/world.ts';
import { percentText } from '../../shared/staged/gate.ts';
import { progressOf } from '../../shared/staged/progress.ts';
import { currentStage, hasEnded, skipOf, type BackfillRecord, type FailedCell } from '../../shared/staged/record.ts';
import type { GateDefinition } from '../../shared/staged/schema.ts';
import { kindOf } from './alike.ts';
import { statusNow } from './backfill-json.ts';
import { paragraph, type Style } from './style.ts';
import { renderTable } from './table.ts';
import { count, counted, dayList, duration, instant, range, withInstants } from './words.ts';

/** How far a staged backfill is, for people. */

const FAILURES_SHOWN = 10;
/** Characters of a note that a list shows. */
const LONGEST_NOTE = 240;

const IS = { running: 'is running', paused: 'is paused', stopped: 'has stopped', gate_held: 'is held by a gate', waits_for_approval: 'waits for approval', finished: 'is finished', cancelled: 'is cancelled' } as const;

/** Its state within a sentence. */
export function isText({ state }: Pick<BackfillRecord, 'state'>): string {
  return IS[state];
}

export function stateText({ state }: Pick<BackfillRecord, 'state'>): string {
  return state.replaceAll('_', ' ');
}

/** What the list says of one. */
export function renderBrief(record: BackfillRecord, style: Style): string {
  const { asked } = record;
  const stage = hasEnded(record) ? '' : `, stage ${currentStage(record).definition.name}, ${record.stage + 1} of ${record.stages.length}`;
  return [
    `${style.bold(record.id)}  ${stateStyle(record, style)(stateText(record))}${stage}`,
    paragraph(`${range(asked.from, asked.to)}, asked for by ${asked.by} at ${instant(asked.at)} UTC${asked.reason === '' ? '' : `: ${asked.reason}`}`, style, 2),
    ...(record.note === '' ? [] : [paragraph(record.note.length > LONGEST_NOTE ? `${record.note.slice(0, LONGEST_NOTE)}…` : record.note, style, 2)]),
    '',
  ].join('\n');
}

function stateStyle({ state }: Pick<BackfillRecord, 'state'>, style: Style): (text: string) => string {
  return state === 'finished' ? style.green : state === 'running' ? style.cyan : style.yellow;
}

export function renderStatus(record: BackfillRecord, world: World, style: Style, now: number): string {
  const { asked } = record;
  const dress = stateStyle(record, style);
  const lines = [
    `${style.bold(record.id)}  ${dress(stateText(record))}`,
    ...noteOf(record).map((note) => dress(paragraph(note, style, 2))),
    paragraph(`${record.definition.name} over ${range(asked.from, asked.to)}, asked for by ${asked.by} at ${instant(asked.at)} UTC${asked.reason === '' ? '' : `: ${asked.reason}`}`, style),
    ...(record.skips.length === 0 ? [] : [paragraph(`skipped: ${record.skips.map((skip) => `${formatDay(skip.day)} (${skip.by}: ${skip.reason})`).join(', ')}`, style)]),
  ];
  return `${lines.join('\n')}\n\n${stagesTable(record, world, style, now)}${failedText(record, world, style)}`;
}

/** Why it is in its state: of a gate each reason by itself. */
function noteOf({ state, note: written, stage, stages }: BackfillRecord): readonly string[] {
  const note = withInstants(written);
  const gate = stages[stage]?.gate ?? null;
  const reasons = (gate?.reasons ?? []).map(withInstants);
  const whole = reasons.join('; ');
  if (state !== 'gate_held' || reasons.length < 2 || !note.endsWith(whole)) return note === '' ? [] : [note];
  return [note.slice(0, -whole.length).trimEnd(), ...reasons.map((reason) => `- ${reason}`)];
}

/** What has failed and is not complete by now: what is alike together, with its dates. */
function failedText(record: BackfillRecord, world: World, style: Style): string {
  const cells = unresolved(record, world);
  if (cells.length === 0) return '';
  const groups = [...Map.groupBy(cells, ({ processor, category, message, became }) => [processor, category, kindOf(message), became].join('\n')).values()];
  const told = groups.slice(-FAILURES_SHOWN).flatMap((of) => {
    const [first] = of;
    if (first === undefined) return [];
    const dates = of.length === 1 ? formatDay(first.day) : `${counted(of.length, 'date')}: ${dayList(of.map(({ day }) => day))}`;
    const category = first.became === 'skipped' ? 'skipped' : first.category;
    return [paragraph(`${first.processor} ${dates} (${category})`, style, 2), paragraph(`${first.message}${of.length === 1 ? '' : ' (the first)'}`, style, 4)];
  });
  const skipped = cells.filter(({ became }) => became === 'skipped').length;
  const failed = cells.length - skipped + record.failuresLeftOut;
  const head = [...(failed === 0 ? [] : [`${counted(failed, 'cell')} failed`]), ...(skipped === 0 ? [] : [`${counted(skipped, 'cell')} skipped${failed === 0 ? '' : ' because of that'}`])].join(', ');
  const more = groups.length <= FAILURES_SHOWN ? [] : [`  and more of ${groups.length - FAILURES_SHOWN} kinds: the report has them`];
  return `\n${style.bold(head)}\n${[...told, ...more].join('\n')}\n`;
}

/** Cells that have failed, or were skipped for want of one, and are not complete: each once, as it failed last. */
export function unresolved(record: BackfillRecord, world: World): readonly FailedCell[] {
  const last = new Map(record.failures.filter(({ became }) => became !== 'retried').map((failure) => [`${failure.processor} ${failure.day}`, failure]));
  return [...last.values()].filter((failure) => {
    const status = statusNow(world, failure);
    return status !== 'complete' && status !== 'accepted' && skipOf(record, failure.day) === undefined;
  });
}

/** Its stages, how far each is, and what its gate said. */
export function stagesTable(record: BackfillRecord, world: World, style: Style, now: number): string {
  const stages = record.definition.stages.map((stage, index) => ({ stage, index, progress: record.stages[index], figures: progressOf(world, record, index) }));
  return renderTable(stages, [
    { header: 'STAGE', value: ({ stage }) => stage.name, fit: 'cut' },
    { header: 'STATE', value: ({ index, progress }) => stageState(record, index, progress) },
    { header: 'COMPLETE', value: ({ figures }) => (figures.expected === 0 ? '' : `${count(figures.complete)} of ${count(figures.expected)}`), align: 'right' },
    { header: '', value: ({ figures }) => (figures.expected === 0 ? '' : percentText(figures.complete, figures.expected)), align: 'right' },
    { header: 'FAILED', value: ({ figures }) => (figures.failed === 0 ? '' : count(figures.failed)), align: 'right', dress: style.red },
    { header: 'TOOK', value: ({ progress }) => (progress?.startedAt ? duration(Math.max(0, (progress.endedAt ?? record.endedAt ?? now) - progress.startedAt)) : ''), align: 'right' },
    {
      header: 'GATE', value: ({ stage, progress }) => gateText(stage.gate, progress), fit: 'cut',
      dress: (text, { progress }) => (progress?.gate === null || progress === undefined ? text : progress.gate.passed ? style.green(text) : style.red(text)),
    },
  ], style);
}

function stageState(record: BackfillRecord, index: number, progress: BackfillRecord['stages'][number] | undefined): string {
  if (progress?.endedAt) return 'done';
  if (index !== record.stage || record.state === 'finished') return progress?.startedAt ? 'begun' : '';
  return stateText(record);
}

function gateText(definition: GateDefinition | undefined, progress: BackfillRecord['stages'][number] | undefined): string {
  if (!definition) return '';
  const gate = progress?.gate ?? null;
  if (progress?.looking && progress.looking.round === progress.round) return `looked at: ${progress.looking.answers.filter(({ outcome }) => outcome !== null).length} of ${counted(definition.checks.length, 'check')}`;
  if (!gate) return progress?.endedAt ? 'not about what was asked' : 'not yet';
  return gate.passed ? 'passed' : 'holds';
}
