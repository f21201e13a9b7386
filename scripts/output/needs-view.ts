import { formatDay } from '../../shared/calendar/day.ts';
import type { NeedsReport } from '../../shared/flows/needs.ts';
import type { Band } from '../../shared/needs/bands.ts';
import { paragraph, type Style } from './style.ts';
import { renderTable } from './table.ts';
import { count, counted, dayList, range } from './words.ts';

const VERDICTS: Readonly<Record<Band, string>> = {
  justified: 'automatic recovery is justified', borderline: 'borderline: watch it for another month', not_needed: 'automatic recovery is not needed: by hand is fine',
};
const BAND_WORDS: Readonly<Record<Band, string>> = { justified: 'justified', borderline: 'borderline', not_needed: 'not needed' };

/** Figures, each with its band, and the document's checklist. */
export function renderNeeds({ from, to, days, needs, minutesPerManual, cut }: NeedsReport, name: string, style: Style): string {
  const { gaps, dependencies, manual, recovered, checklist, verdict } = needs;
  const lines = [
    { figure: 'gap frequency', band: gaps.band, of: '0–2, 3–5, over 5 dates in 30 days', value: `${counted(gaps.dates.length, 'date')} (${gaps.lackingNow} now): ${gaps.per30Days} in 30 days, ${gaps.perWeek} a week` },
    { figure: 'dependency failures', band: dependencies.band, of: '5 %, 10 % of runs', value: `${count(dependencies.dependencyFailures)} of ${counted(dependencies.runs, 'run')}: ${dependencies.percent} %` },
    { figure: 'manual time', band: manual.band, of: '30, 60 minutes a week', value: `${count(manual.requests)} by hand × ${minutesPerManual} min: ${manual.minutesPerWeek} min a week` },
  ];
  const colour = (band: Band) => (text: string): string => (band === 'justified' ? style.red(text) : band === 'borderline' ? style.yellow(text) : style.green(text));
  const parts = [
    style.bold(paragraph(`${name}, ${range(from, to)} (${counted(days, 'day')}): ${VERDICTS[verdict]}`, style)),
    renderTable(lines, [
      { header: 'FIGURE', value: (line) => line.figure },
      { header: 'MEASURED', value: (line) => line.value, fit: 'wrap' },
      { header: 'BAND', value: (line) => BAND_WORDS[line.band], dress: (text, line) => colour(line.band)(text) },
      { header: 'THRESHOLDS', value: (line) => line.of, fit: 'wrap' },
    ], style).trimEnd(),
    [
      style.bold('Recovered by itself'),
      paragraph(`${counted(recovered.completed, 'request')} on ${counted(recovered.dates, 'date')}; ${recovered.failed} failed, ${recovered.open} open; by hand it would have been ${recovered.minutesSavedPerWeek} minutes a week`, style, 2),
      paragraph(recoveryText(recovered), style, 2),
    ].join('\n'),
    [style.bold('Checklist of source document 003 (all of it: implement)'), ...checklist.map(({ demands, met }) => paragraph(`${met ? 'yes' : 'no '}  ${demands}`, style, 2))].join('\n'),
    ...(gaps.dates.length > 0 ? [paragraph(`Dates with gaps: ${dayList(gaps.dates)}`, style)] : []),
    ...(dependencies.byProcessor.length > 0 ? [[style.bold('Dependency failures by processor'), ...dependencies.byProcessor.map((rate) => paragraph(`${rate.processor}: ${rate.dependencyFailures} of ${counted(rate.runs, 'run')}`, style, 2))].join('\n')] : []),
    ...(cut.length > 0 ? [style.yellow(paragraph(`Not all could be read: ${cut.join('; ')}`, style))] : []),
    ...(dependencies.runs === 0 ? [style.yellow(paragraph('No run of these dates is known: with nothing to go by, nothing is shown to be needed. Give other dates with --from and --to.', style))] : []),
    paragraph('Manual time is an estimate: what people asked for in these days, times --minutes-per-manual. That simpler means were considered, as the document demands, no figure can tell.', style),
  ];
  return `${parts.join('\n\n')}\n`;
}

function recoveryText({ medianMinutes, medianMinutesByItself }: NeedsReport['needs']['recovered']): string {
  if (medianMinutes === null) return 'time to recovery: no gap was filled in this time';
  return `time to recovery, median: ${medianMinutes} min of all gaps${medianMinutesByItself === null ? '; none was filled by itself' : `, ${medianMinutesByItself} min of those that were filled by themselves`}`;
}

/** What `needs --json` prints. */
export function needsJson({ from, to, days, needs, minutesPerManual, cut }: NeedsReport): Record<string, unknown> {
  const { gaps, dependencies, manual, recovered, checklist, verdict } = needs;
  return {
    from: formatDay(from), to: formatDay(to), days, verdict,
    gaps: { game_dates: gaps.dates.map(formatDay), lacking_now: gaps.lackingNow, per_30_days: gaps.per30Days, per_week: gaps.perWeek, band: gaps.band },
    dependency_failures: {
      runs: dependencies.runs, failures: dependencies.failures, dependency_failures: dependencies.dependencyFailures, percent: dependencies.percent, band: dependencies.band,
      by_processor: dependencies.byProcessor.map((rate) => ({ processor: rate.processor, runs: rate.runs, failures: rate.failures, dependency_failures: rate.dependencyFailures })),
    },
    manual: { requests: manual.requests, minutes_per_manual: minutesPerManual, minutes: manual.minutes, minutes_per_week: manual.minutesPerWeek, band: manual.band },
    recovered: {
      completed: recovered.completed, failed: recovered.failed, open: recovered.open, dates: recovered.dates, minutes_saved_per_week: recovered.minutesSavedPerWeek,
      median_minutes: recovered.medianMinutes, median_minutes_by_itself: recovered.medianMinutesByItself,
    },
    checklist, not_all_read: cut,
  };
}
