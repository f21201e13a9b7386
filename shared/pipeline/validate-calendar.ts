import { parseDay } from '../calendar/day.ts';
import { suggestion } from './nearest.ts';
import { enumerated, shown, type Mistake } from './problems.ts';
import type { PipelineDefinition } from './schema.ts';

/** Seasons, excluded dates, and the schedule that the calendar comes from. */
export function calendarMistakes(definition: PipelineDefinition, doubtful: ReadonlySet<string>): readonly Mistake[] {
  return [...seasonMistakes(definition), ...exclusionMistakes(definition), ...scheduleMistakes(definition, doubtful)];
}

function seasonMistakes({ calendar: { seasons } }: PipelineDefinition): readonly Mistake[] {
  const mistakes: Mistake[] = [];
  for (const [index, season] of seasons.entries()) {
    const path = ['calendar', 'seasons', index];
    const range = `${season.from} to ${season.to}`;
    // Dates compare as text: the schema lets only YYYY-MM-DD through.
    if (season.to < season.from) {
      mistakes.push({ path: [...path, 'to'], what: `season ${season.name} ends before it starts`, received: range, allowed: 'a last day on or after the first', hint: 'exchange from and to' });
      continue;
    }
    for (const other of seasons.slice(0, index)) {
      if (other.name === season.name) mistakes.push({ path: [...path, 'name'], what: `season ${season.name} is defined twice`, received: shown(season.name), allowed: 'each season once', hint: 'rename or remove one' });
      if (other.to >= other.from && season.from <= other.to && other.from <= season.to) {
        mistakes.push({ path: [...path, 'from'], what: `season ${season.name} overlaps season ${other.name}`, received: `${range}, and ${other.from} to ${other.to}`, allowed: 'seasons that share no day', hint: 'move one of the dates' });
      }
    }
  }
  return mistakes;
}

function exclusionMistakes({ calendar: { seasons, exclude } }: PipelineDefinition): readonly Mistake[] {
  const mistakes: Mistake[] = [];
  for (const [index, { date }] of exclude.entries()) {
    const path = ['calendar', 'exclude', index, 'date'];
    if (exclude.findIndex((other) => other.date === date) < index) mistakes.push({ path, what: `${date} is excluded twice`, received: date, allowed: 'each date once', hint: 'remove one' });
    if (parseDay(date) !== undefined && !seasons.some(({ from, to }) => from <= date && date <= to)) {
      mistakes.push({
        path, what: `the excluded date ${date} lies in no season`, received: date,
        allowed: `a date of ${enumerated(seasons.map(({ name, from, to }) => `${name} (${from} to ${to})`))}`, hint: 'correct or remove it',
      });
    }
  }
  return mistakes;
}

function scheduleMistakes(definition: PipelineDefinition, doubtful: ReadonlySet<string>): readonly Mistake[] {
  const { schedule } = definition.calendar;
  if (!schedule || doubtful.has(schedule.processor)) return [];
  const path = ['calendar', 'schedule'];
  const names = Object.keys(definition.processors);
  const processor = Object.hasOwn(definition.processors, schedule.processor) ? definition.processors[schedule.processor] : undefined;
  if (!processor) {
    return [{
      path: [...path, 'processor'], what: `unknown processor ${schedule.processor}`, received: shown(schedule.processor), allowed: enumerated(names),
      hint: suggestion(schedule.processor, names, 'name the processor that fills the schedule'),
    }];
  }
  if (processor.table === undefined) {
    return [{ path: [...path, 'processor'], what: `${schedule.processor} fills no table`, received: `a processor with landing ${shown(processor.landing)}`, allowed: 'a processor with a table', hint: 'name the processor that fills the schedule table' }];
  }
  const mistakes: Mistake[] = [];
  const columns = processor.columns ?? {};
  for (const field of ['key_column', 'status_column', 'narrow_by'] as const) {
    const column = schedule[field];
    if (column === undefined || Object.hasOwn(columns, column)) continue;
    mistakes.push({
      path: [...path, field], what: `unknown column ${column} of ${schedule.processor}`, received: shown(column), allowed: enumerated(Object.keys(columns)),
      hint: suggestion(column, Object.keys(columns), `add it to the columns of ${schedule.processor}`),
    });
  }
  const status = Object.hasOwn(columns, schedule.status_column) ? columns[schedule.status_column] : undefined;
  if (status !== undefined && status !== 'INT64') {
    mistakes.push({ path: [...path, 'status_column'], what: `the status column ${schedule.status_column} holds no whole numbers`, received: status, allowed: 'INT64', hint: 'name an INT64 column, which final_when lists values of' });
  }
  if (schedule.narrow_by === undefined) return mistakes;
  const narrow = Object.hasOwn(columns, schedule.narrow_by) ? columns[schedule.narrow_by] : undefined;
  if (narrow !== undefined && narrow !== 'STRING') {
    mistakes.push({ path: [...path, 'narrow_by'], what: `the column ${schedule.narrow_by} holds no text`, received: narrow, allowed: 'STRING', hint: "name a STRING column, which processors' only lists values of" });
  }
  return mistakes;
}
