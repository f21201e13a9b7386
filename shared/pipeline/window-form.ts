import { DEFAULTS, type WindowDefinition } from './schema.ts';
import type { Window, WindowReach } from './pipeline.ts';

/** A window as the definition writes it, completed with its defaults. */

/** `ownDate`: whether the game date itself is read where the definition does not say. */
export function completeWindow(definition: WindowDefinition | undefined, ownDate: boolean): Window {
  if (definition === 'own_date') return { reach: { kind: 'none' }, ownDate: true, critical: 0 };
  const form: WindowForm = definition === 'season_to_date' ? { season_to_date: true } : definition ?? {};
  const reach = reachOf(form);
  return { reach, ownDate: form.include_own_date ?? ownDate, critical: Math.min(form.critical ?? DEFAULTS.critical_days, lengthOf(reach)) };
}

/** What a window asks of its own date in so many words; undefined where the default decides. */
export function explicitOwnDate(definition: WindowDefinition | undefined): boolean | undefined {
  if (definition === 'own_date') return true;
  return typeof definition === 'object' ? definition.include_own_date : undefined;
}

interface WindowForm {
  readonly days?: number | undefined;
  readonly game_dates?: number | undefined;
  readonly season_to_date?: boolean | undefined;
  readonly include_own_date?: boolean | undefined;
  readonly critical?: number | undefined;
}

function reachOf(form: WindowForm): WindowReach {
  if (form.season_to_date) return { kind: 'season_to_date' };
  if (form.game_dates !== undefined) return { kind: 'game_dates', gameDates: form.game_dates };
  return { kind: 'days', days: form.days ?? DEFAULTS.lookback_days };
}

/** How many of its own units a reach holds: the critical part cannot be longer. */
function lengthOf(reach: WindowReach): number {
  if (reach.kind === 'none') return 0;
  if (reach.kind === 'season_to_date') return Number.POSITIVE_INFINITY;
  return reach.kind === 'days' ? reach.days : reach.gameDates;
}
