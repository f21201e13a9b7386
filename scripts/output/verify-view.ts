import { formatDay } from '../../shared/calendar/day.ts';
import type { GateReport } from '../../shared/flows/verify.ts';
import type { UnusableInput } from '../../shared/gaps/usable.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import { covered, percentOf, type CheckFigures, type TableFigures } from '../../shared/staged/gate.ts';
import type { PhaseReadiness } from '../../shared/staged/ready-for.ts';
import { paragraph, type Style } from './style.ts';
import { renderTable } from './table.ts';
import { cellText, count, counted, dayList, range } from './words.ts';

const MOST_SHOWN = 10;

/** A gate's figures, by table, then why it holds. */
export function renderGate({ scope, figures, verdict }: GateReport, pipeline: Pipeline, style: Style): string {
  const where = `${pipeline.name}, ${range(scope.from, scope.to)}`;
  const title = verdict.passed ? style.green(`${where}: the gate is passed`) : style.red(`${where}: the gate is not passed`);
  const parts = [`${style.bold(title)}\n\n${tablesTable(figures.tables, style).trimEnd()}`];
  // Said as well: a folder that was forgotten looks like one whose checks pass.
  parts.push([style.bold('Checks'), ...(figures.checks.length === 0 ? ['  none is about what is judged (checks/*.sql in the pipeline\'s folder)'] : figures.checks.map((check) => checkLines(check, style)))].join('\n'));
  if (verdict.reasons.length > 0) parts.push([style.bold('It is held, because'), ...verdict.reasons.map(({ text }) => style.red(paragraph(`- ${text}`, style, 2)))].join('\n'));
  const lacking = figures.tables.filter((table) => table.lacking.length > 0);
  if (lacking.length > 0) parts.push([style.bold('Dates that lack'), ...lacking.map((table) => paragraph(`${table.table}: ${dayList(table.lacking)}`, style, 2))].join('\n'));
  if (figures.unresolved.length > 0) {
    parts.push([style.bold('Unresolved failures'), ...firstOf(figures.unresolved, (failure) => paragraph(`${cellText(failure)} (${failure.category}${failure.cooling ? ', tried again by itself' : ''}): ${failure.message}`, style, 2))].join('\n'));
  }
  if (verdict.notes.length > 0) parts.push([style.bold('Shown, and not held for'), ...verdict.notes.map((note) => style.yellow(paragraph(`- ${note}`, style, 2)))].join('\n'));
  return `${parts.join('\n\n')}\n`;
}

function tablesTable(tables: readonly TableFigures[], style: Style): string {
  const number = (value: number): string => (value === 0 ? '' : count(value));
  const footnote = tables.some((table) => !table.critical) ? '* not critical: what it lacks holds no gate\n' : '';
  return renderTable(tables, [
    { header: 'TABLE', value: (line) => `${line.table.replace(/^\w+\./, '')}${line.critical ? '' : ' *'}`, fit: 'middle' },
    { header: 'DATES', value: (line) => count(line.expected), align: 'right' },
    { header: 'COVERAGE', value: coverageText, align: 'right', dress: (text, line) => (covered(line) === line.expected ? text : style.red(text)) },
    { header: 'ACCEPTED', value: (line) => number(line.accepted), align: 'right' },
    { header: 'STALE', value: (line) => number(line.stale), align: 'right' },
    { header: 'ALTERED', value: (line) => number(line.altered), align: 'right' },
    { header: 'SUSPECT', value: (line) => number(line.suspect), align: 'right' },
  ], style) + style.dim(footnote);
}

function coverageText(table: TableFigures): string {
  const percent = percentOf(covered(table), table.expected);
  return percent === null ? '–' : `${percent.toFixed(1)} %`;
}

function checkLines({ name, demands, outcome }: CheckFigures, style: Style): string {
  if (outcome.kind === 'passed') return paragraph(`${style.green('passed')}  ${name}: ${demands}`, style, 2);
  if (outcome.kind === 'did_not_run') return paragraph(`${style.red('did not run')}  ${name}: ${outcome.message}`, style, 2);
  const rows = outcome.sample.map((row) => paragraph(Object.entries(row).map(([column, value]) => `${column} ${String(value)}`).join(', '), style, 6));
  return [paragraph(`${style.red(counted(outcome.rows, 'row'))}  ${name}: ${demands}`, style, 2), ...rows, ...(outcome.rows > rows.length ? [`      and ${count(outcome.rows - rows.length)} more`] : [])].join('\n');
}

function firstOf<T>(items: readonly T[], line: (item: T) => string): string[] {
  const lines = items.slice(0, MOST_SHOWN).map(line);
  return items.length > MOST_SHOWN ? [...lines, `  and ${count(items.length - MOST_SHOWN)} more`] : lines;
}

/** What `verify --json` prints. */
export function gateJson({ scope, figures, rules, verdict }: GateReport): Record<string, unknown> {
  return {
    from: formatDay(scope.from), to: formatDay(scope.to), passed: verdict.passed, reasons: verdict.reasons, notes: verdict.notes,
    rules: { min_coverage_percent: rules.minCoveragePercent, max_nulls: rules.maxNulls, doubtful: rules.doubtful },
    tables: figures.tables.map((table) => ({
      processor: table.processor, phase: table.phase, table: table.table, critical: table.critical, expected: table.expected, complete: table.complete, accepted: table.accepted,
      coverage_percent: percentOf(covered(table), table.expected), missing: table.missing, short: table.short, lacking: table.lacking.map(formatDay), stale: table.stale, altered: table.altered,
      suspect: table.suspect, pending: table.pending, required_values: table.requiredValues, nulls: table.nulls,
    })),
    unresolved: figures.unresolved.map(({ processor, day, category, message, cooling }) => ({ processor, game_date: formatDay(day), category, message, cooling })),
    checks: figures.checks.map(({ name, demands, table, outcome }) => ({
      name, demands, table, outcome: outcome.kind,
      rows: outcome.kind === 'offended' ? outcome.rows : outcome.kind === 'passed' ? 0 : null,
      sample: outcome.kind === 'offended' ? outcome.sample : [], error: outcome.kind === 'did_not_run' ? outcome.message : null,
    })),
  };
}

/** Whether a phase can start, and what stands in its way. */
export function renderReadiness({ phase, day, ready, judged, blocking, because }: PhaseReadiness, pipeline: Pipeline, style: Style): string {
  const where = `${pipeline.name}, ${phase}${day === null ? '' : ` for ${formatDay(day)}`}`;
  if (ready) return `${style.green(`${where}: ready; all of ${counted(judged, 'input')} may be read`)}\n`;
  if (because !== null) return `${style.red(paragraph(`${where}: not ready: ${because}`, style))}\n`;
  const line = (input: UnusableInput): string => paragraph(`${cellText(input)}: ${input.because}`, style, 2);
  return `${style.red(`${where}: not ready; ${count(blocking.length)} of ${counted(judged, 'input')} may not be read`)}\n${firstOf(blocking, line).join('\n')}\n`;
}

/** What `verify --ready-for --json` prints. */
export function readinessJson({ phase, day, ready, judged, blocking, because }: PhaseReadiness): Record<string, unknown> {
  return {
    phase, game_date: day === null ? null : formatDay(day), ready, judged, because,
    blocking: blocking.map((input) => ({ processor: input.processor, game_date: formatDay(input.day), because: input.because, critical: input.critical })),
  };
}
