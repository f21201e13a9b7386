import { formatDay, type Day } from '../../shared/calendar/day.ts';
import type { CascadeRecord } from '../../shared/cascade/cascade.ts';
import { CONDITION_WORDS, reportCascades, type HeldTurn, type PhaseReport } from '../../shared/cascade/report.ts';
import { writeJson } from '../output/json.ts';
import { outStyle, paragraph, type Style } from '../output/style.ts';
import { renderTable } from '../output/table.ts';
import { count, counted, dayList } from '../output/words.ts';
import type { Session } from '../session.ts';

/** `cascades report`: what enforce would have held, by phase, reason and date. */
export function writeCascadeReport({ io, options, pipeline }: Session, records: readonly CascadeRecord[]): void {
  const wanted = options.phase?.split(',');
  const phases = reportCascades(pipeline, records).filter(({ phase }) => wanted === undefined || wanted.includes(phase));
  if (options.json) return writeJson(io, { phases: phases.map(phaseJson) });
  const style = outStyle(io);
  io.out.write(renderTable(phases, [
    { header: 'PHASE', value: (line) => line.phase },
    { header: 'MODE', value: (line) => line.mode },
    { header: 'DECIDED', value: (line) => count(line.decided), align: 'right' },
    { header: 'RELEASED', value: (line) => count(line.released), align: 'right' },
    { header: 'PARKED', value: (line) => (line.mode === 'enforce' ? count(line.parked.length) : ''), align: 'right' },
    { header: 'WOULD HOLD', value: (line) => (line.mode === 'enforce' ? '' : count(line.wouldHold.length)), align: 'right' },
    { header: 'WAITING', value: (line) => (line.mode === 'enforce' ? '' : count(line.stillWaiting.length)), align: 'right' },
    { header: 'NOT HEARD OF', value: (line) => count(line.unheard.length), align: 'right' },
  ], style));
  for (const phase of phases) io.out.write(inWords(phase, style));
}

function inWords(phase: PhaseReport, style: Style): string {
  const { mode, decided, wouldHold, stillWaiting, byReason } = phase;
  if (mode === 'enforce' || decided === 0) return '';
  const gone = wouldHold.filter(({ sinceGone }) => sinceGone).length;
  const found = [
    ...(wouldHold.length > 0 ? [`would have held ${dates(wouldHold)} of ${counted(decided, 'date')}${gone > 0 ? `, ${gone === wouldHold.length ? 'each' : count(gone)} until what held it was gone` : ''}`] : []),
    ...(stillWaiting.length > 0 ? [`would still wait with ${dates(stillWaiting)}`] : []),
  ];
  const first = `${style.bold(phase.phase)}: enforce ${found.length === 0 ? 'would have held nothing' : found.join(', and ')}`;
  return ['', paragraph(first, style), ...byReason.map(({ condition, days, example }) =>
    paragraph(`(${condition}) ${CONDITION_WORDS[condition] ?? 'other reasons'}: ${dayList(days)}, for example: ${example}`, style, 2)), ''].join('\n');
}

function dates(turns: readonly HeldTurn[]): string {
  return `${counted(turns.length, 'date')} (${dayList(turns.map(({ day }) => day))})`;
}

function phaseJson(phase: PhaseReport): Record<string, unknown> {
  const list = (days: readonly Day[]): string[] => days.map(formatDay);
  const turns = (held: readonly HeldTurn[]): unknown[] => held.map(({ day, reasons, sinceGone }) => ({ game_date: formatDay(day), since_gone: sinceGone, reasons }));
  return {
    phase: phase.phase, mode: phase.mode, decided: phase.decided, released: phase.released, parked: phase.parked.length, not_heard_of: list(phase.unheard),
    would_have_held: list(phase.wouldHold.map(({ day }) => day)), held: turns(phase.wouldHold), still_waiting: turns(phase.stillWaiting),
    by_reason: phase.byReason.map(({ condition, days, example }) => ({ condition, game_dates: list(days), example })),
  };
}
