import { mayReadOwnDate } from './edges.ts';
import { shown, type Mistake } from './problems.ts';
import { DEFAULTS, type PipelineDefinition, type WindowDefinition } from './schema.ts';
import { explicitOwnDate } from './window-form.ts';

/** Windows: one reach each, counted in what the calendar has, and nothing of a date that is still to come. */
export function windowMistakes(definition: PipelineDefinition, doubtful: ReadonlySet<string>): readonly Mistake[] {
  return Object.entries(definition.processors).filter(([name]) => !doubtful.has(name)).flatMap(([name, processor]) => [
    ...processor.upstream.flatMap(({ processor: upstream, window, columns }, index): readonly Mistake[] => {
      const path = ['processors', name, 'upstream', index, 'window'];
      const early = doubtful.has(upstream) || !Object.hasOwn(definition.processors, upstream) ? [] : ownDateMistakes(definition, name, upstream, columns !== undefined, window, path);
      return [...formMistakes(definition, window, path), ...early];
    }),
    ...(processor.reads_own_history ? historyMistakes(definition, name, processor.reads_own_history.window) : []),
  ]);
}

function formMistakes(definition: PipelineDefinition, window: WindowDefinition | undefined, path: readonly PropertyKey[]): readonly Mistake[] {
  if (typeof window !== 'object') return [];
  const mistakes: Mistake[] = [];
  const reaches = (['days', 'game_dates', 'season_to_date'] as const).filter((reach) => window[reach] !== undefined);
  if (reaches.length > 1) mistakes.push({ path, what: 'a window has one reach', received: reaches.join(' and '), allowed: 'one of days, game_dates, season_to_date', hint: 'keep the one that is meant' });
  if (window.game_dates !== undefined && !definition.calendar.schedule) {
    mistakes.push({ path: [...path, 'game_dates'], what: 'a window in game dates needs a calendar of games', received: `game_dates: ${window.game_dates}`, allowed: 'days, or season_to_date, where calendar.schedule is missing', hint: 'add calendar.schedule, or count in days' });
  }
  const length = window.season_to_date ? Number.POSITIVE_INFINITY : window.game_dates ?? window.days ?? DEFAULTS.lookback_days;
  if (window.critical !== undefined && window.critical > length) {
    mistakes.push({ path: [...path, 'critical'], what: 'the critical part is longer than its window', received: `critical: ${window.critical} of ${length}`, allowed: `1 to ${length}`, hint: 'shorten it, or leave it out' });
  }
  return mistakes;
}

function ownDateMistakes(definition: PipelineDefinition, reader: string, upstream: string, namesColumns: boolean, window: WindowDefinition | undefined, path: readonly PropertyKey[]): readonly Mistake[] {
  if (explicitOwnDate(window) !== true || mayReadOwnDate(definition, reader, upstream, namesColumns)) return [];
  const isSchedule = definition.calendar.schedule?.processor === upstream;
  return [{
    path, what: `${reader} is due before the games and cannot read ${upstream} of its own date, which is there after them`, received: typeof window === 'string' ? shown(window) : 'include_own_date: true',
    allowed: isSchedule ? 'named columns of the schedule that are known before the games' : 'earlier dates only',
    hint: isSchedule ? 'add columns: [game_id, …] without scores' : 'remove include_own_date, or write a window of earlier dates',
  }];
}

function historyMistakes(definition: PipelineDefinition, name: string, window: WindowDefinition): readonly Mistake[] {
  const path = ['processors', name, 'reads_own_history', 'window'];
  const form = formMistakes(definition, window, path);
  if (explicitOwnDate(window) !== true) return form;
  return [...form, { path, what: `${name} cannot read the date that it is filling`, received: typeof window === 'string' ? shown(window) : 'include_own_date: true', allowed: 'days, game_dates or season_to_date: earlier dates', hint: 'remove include_own_date, or reads_own_history' }];
}
