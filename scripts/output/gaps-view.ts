import { formatDay, type Day } from '../../shared/calendar/day.ts';
import type { GapReport } from '../../shared/flows/inspect.ts';
import type { Finding, Root } from '../../shared/gaps/detect.ts';
import { unbrokenRuns } from '../../shared/gaps/detect.ts';
import type { Status } from '../../shared/gaps/facts.ts';
import type { World } from '../../shared/gaps/world.ts';
import type { CellKey } from '../../shared/requests/cell.ts';
import { paragraph, statusText, type Style } from './style.ts';
import { renderTable } from './table.ts';
import { count, counted, dayList, range } from './words.ts';

/** Cells that one root cause explains, or a run of root causes of one processor with one reason. */
export interface RootGroup {
  readonly processor: string;
  readonly kind: Root['kind'];
  readonly days: readonly Day[];
  readonly because: string;
  /** The findings that it explains, itself included. */
  readonly findings: readonly Finding[];
}

/** Findings by root cause: roots of consecutive dates with the same reason are one group, the oldest first. */
function groupByRoot(findings: readonly Finding[], world: World): RootGroup[] {
  const roots = new Map<string, { root: Root; findings: Finding[] }>();
  for (const finding of findings) {
    const key = `${finding.root.processor}/${finding.root.day}`;
    const known = roots.get(key);
    if (known) known.findings.push(finding);
    else roots.set(key, { root: finding.root, findings: [finding] });
  }
  const alike = new Map<string, { root: Root; findings: Finding[] }[]>();
  for (const entry of roots.values()) {
    const key = `${entry.root.processor}|${entry.root.kind}|${entry.root.because}`;
    alike.set(key, [...alike.get(key) ?? [], entry]);
  }
  const groups = [...alike.values()].flatMap((entries) => {
    const [first] = entries;
    if (!first) return [];
    const dates = world.expectedDates(world.processor(first.root.processor));
    const sorted = entries.sort((a, b) => a.root.day - b.root.day);
    return unbrokenRuns(sorted, (entry) => entry.root.day, (day) => dates.countBefore(day)).map((run) => ({
      processor: first.root.processor, kind: first.root.kind, because: first.root.because, days: run.map((entry) => entry.root.day), findings: run.flatMap((entry) => entry.findings),
    }));
  });
  return groups.sort((a, b) => (a.days[0] ?? 0) - (b.days[0] ?? 0) || world.processor(a.processor).rank - world.processor(b.processor).rank);
}

interface Line {
  readonly processor: string;
  readonly status: Status;
  readonly days: readonly Day[];
}

/** Cells by processor and status, in the order of the pipeline. */
export function linesOf(findings: readonly (CellKey & { readonly status: Status })[], world: World): Line[] {
  const lines = new Map<string, { processor: string; status: Status; days: Day[] }>();
  for (const { processor, status, day } of findings) {
    const key = `${processor}|${status}`;
    const line = lines.get(key);
    if (line) line.days.push(day);
    else lines.set(key, { processor, status, days: [day] });
  }
  return [...lines.values()].sort((a, b) => world.processor(a.processor).rank - world.processor(b.processor).rank);
}

function linesTable(lines: readonly Line[], style: Style, indent: number): string {
  return renderTable(lines, [
    { header: 'PROCESSOR', value: (line) => line.processor },
    { header: 'STATUS', value: (line) => line.status, dress: (text, line) => text.replace(line.status, statusText(style, line.status)) },
    { header: 'CELLS', value: (line) => count(line.days.length), align: 'right' },
    { header: 'DATES', value: (line) => dayList(line.days, 3), fit: 'wrap' },
  ], style, indent);
}

/** Everything that is not complete, root causes first, and below what has read it. */
export function renderGaps(report: GapReport, world: World, style: Style): string {
  const { detection, scope } = report;
  const { findings, gaps, judged } = detection;
  const parts: string[] = [];
  const where = `${world.pipeline.name}, ${range(scope.from, scope.to)}`;
  if (findings.length === 0) parts.push(style.green(`${where}: all of ${counted(judged, 'cell')} complete`));
  else {
    const groups = groupByRoot(findings, world);
    parts.push(style.bold(`${where}: ${counted(findings.length, 'cell')} of ${count(judged)} not complete, ${counted(gaps.length, 'gap')}, ${counted(groups.length, 'root cause')}`));
    groups.forEach((group, index) => parts.push(renderRoot(group, index + 1, world, style)));
  }
  if (report.readers.length > 0) {
    const lines = linesOf(report.readers.map((reader) => ({ ...reader, status: 'complete' as const })), world);
    parts.push(`${style.bold(`${counted(report.readers.length, 'complete cell')} read rows that are gone or altered now:`)}\n${renderTable(lines, [
      { header: 'PROCESSOR', value: (line) => line.processor },
      { header: 'CELLS', value: (line) => count(line.days.length), align: 'right' },
      { header: 'DATES', value: (line) => dayList(line.days, 3), fit: 'wrap' },
    ], style, 2).trimEnd()}`);
  }
  const findingsOfCalendar = renderCalendar(report, style);
  if (findingsOfCalendar) parts.push(findingsOfCalendar);
  return `${parts.join('\n\n')}\n`;
}

function renderRoot(group: RootGroup, number: number, world: World, style: Style): string {
  const source = group.kind === 'source' ? style.yellow(' (the source)') : '';
  const title = `${number}. ${style.bold(group.processor)}${source}  ${dayList(group.days, 3)}`;
  return `${title}\n${style.red(paragraph(group.because, style, 3))}\n${linesTable(linesOf(group.findings, world), style, 3).trimEnd()}`;
}

function renderCalendar({ calendarFindings, stuckGames }: GapReport, style: Style): string {
  const lines = [
    ...calendarFindings.map((finding) => finding.kind === 'moved'
      ? `game ${finding.key} has moved from ${formatDay(finding.from)} to ${formatDay(finding.to)}`
      : style.yellow(`game ${finding.key} of ${formatDay(finding.day)} is gone from the schedule (calendar_shrank): still expected until its removal is accepted`)),
    ...stuckGames.map((game) => style.yellow(`game ${game.key} of ${formatDay(game.day)} has no final status (schedule_stuck); the rest of the date is judged`)),
  ];
  if (lines.length === 0) return '';
  const most = 10;
  return [style.bold('Calendar:'), ...lines.slice(0, most).map((line) => `  ${line}`), ...(lines.length > most ? [`  and ${lines.length - most} more`] : [])].join('\n');
}

/** What `gaps --json` prints. */
export function gapsJson(report: GapReport): Record<string, unknown> {
  const cell = ({ processor, day }: CellKey): Record<string, string> => ({ processor, game_date: formatDay(day) });
  const root = (found: Root): Record<string, unknown> => ({ ...cell(found), kind: found.kind, because: found.because });
  return {
    from: formatDay(report.scope.from),
    to: formatDay(report.scope.to),
    judged: report.detection.judged,
    cells: report.detection.findings.map((finding) => ({
      ...cell(finding), status: finding.status,
      facts: {
        data: finding.facts.data, trace: finding.facts.trace, activity: finding.facts.activity, shortcomings: finding.facts.shortcomings, changed_edges: finding.facts.changedEdges,
        read_incomplete: finding.facts.readIncomplete, code_changed: finding.facts.codeChanged,
      },
      root_cause: root(finding.root),
    })),
    gaps: report.detection.gaps.map((gap) => ({ processor: gap.processor, dates: gap.days.map(formatDay), missing: gap.missing, short: gap.short, root_cause: root(gap.root) })),
    readers: report.readers.map(cell),
    calendar_findings: report.calendarFindings.map((finding) => finding.kind === 'moved'
      ? { kind: finding.kind, game: finding.key, from: formatDay(finding.from), to: formatDay(finding.to) }
      : { kind: finding.kind, game: finding.key, game_date: formatDay(finding.day) }),
    stuck_games: report.stuckGames.map((game) => ({ game: game.key, game_date: formatDay(game.day), status: game.status })),
  };
}
