import { formatDay } from '../../shared/calendar/day.ts';
import type { Completion } from '../../shared/flows/complete.ts';
import type { Detected } from '../../shared/flows/detect-gaps.ts';
import type { RecoverEvent } from '../../shared/flows/recover.ts';
import type { StagedEvent } from '../../shared/flows/staged/coordinator.ts';
import type { Worked } from '../../shared/flows/work.ts';
import type { CellKey } from '../../shared/requests/cell.ts';
import type { LogFields } from './fields.ts';
import type { Logger } from './logger.ts';

/** Told by the worker of each cell; lines name the cell, and the ask it goes back to, which need not be the message's own. */
export function workLog(log: Logger): { readonly onStart: (key: CellKey) => void; readonly onEnd: (worked: Worked) => void } {
  return {
    onStart: (key) => log.log('cell_started', nameOf(key), cellFields(key)),
    onEnd: ({ processor, day, outcome, reason, rows, failure, startedAt, endedAt, cause, runId, isBackfill }) => {
      const date = formatDay(day);
      log.log(failure === null ? 'cell_ended' : 'cell_failed', `${processor} ${date}: ${outcome}${failure === null ? '' : `: ${failure.message}`}`, {
        processor_name: processor, game_date: date, outcome, reason, rows, milliseconds: endedAt - startedAt, run_id: runId ?? undefined,
        ...(cause === null ? {} : { cause }), ...(failure === null ? {} : { category: failure.category }), backfill_mode: isBackfill,
      });
    },
  };
}

/** Told by the detector of each step of its recovery, which it works off itself, in backfill mode. */
export function recoveryLog(log: Logger): (event: RecoverEvent) => void {
  return (event) => {
    if (event.kind === 'start') log.log('cell_started', nameOf(event.key), cellFields(event.key));
    // Who ended it elsewhere has said so there.
    if (event.kind !== 'run' || event.run.outcome === 'elsewhere') return;
    const { outcome, action, reason, note, rows, milliseconds, runId, cause, category } = event.run;
    log.log(outcome === 'failed' ? 'cell_failed' : 'cell_ended', `${nameOf(event.run)}: ${outcome}${note === '' ? '' : `: ${note}`}`, {
      ...cellFields(event.run), outcome, action, reason, rows, milliseconds, run_id: runId, category, backfill_mode: true, ...(cause === undefined ? {} : { cause }),
    });
  };
}

function nameOf({ processor, day }: CellKey): string {
  return `${processor} ${formatDay(day)}`;
}

function cellFields({ processor, day }: CellKey): LogFields {
  return { processor_name: processor, game_date: formatDay(day) };
}

export function detectionLog(log: Logger): (detected: Detected) => void {
  return ({ joined, detection, recovered }) => {
    if (joined) log.log('detection_joined', 'another detection is under way');
    else log.log('detection_ended', `${detection?.gaps.length ?? 0} gaps; ${recovered?.runs.length ?? 0} cells worked on`, { gaps: detection?.gaps.length, cells: recovered?.runs.length });
  };
}

/** Told by the coordinator of staged backfills; the workers tell of their cells. */
export function stageLog(log: Logger): (event: StagedEvent) => void {
  return (event) => {
    if (event.kind === 'ended') return;
    const { id, state, note, stage, definition } = event.record;
    const fields = { backfill_id: id, stage: definition.stages[stage]?.name };
    if (event.kind === 'round') log.log('stage_planned', `backfill ${id}, stage ${fields.stage ?? ''}: ${event.cells} cells`, { ...fields, cells: event.cells });
    else log.log('backfill_changed', `backfill ${id}, stage ${fields.stage ?? ''}: ${state.replaceAll('_', ' ')}${note === '' ? '' : `: ${note}`}`, { ...fields, state });
  };
}

/** Told by the router of what was decided of a date's cascade; the alert on parked cascades counts these lines. */
export function completionLog(log: Logger): (completion: Completion) => void {
  return (completion) => {
    const record = completion.kind === 'recorded' ? completion.cascade?.record : undefined;
    if (record?.state !== 'parked' && record?.state !== 'released') return;
    const fields = { phase: record.phase, game_date: formatDay(record.day) };
    if (record.state === 'released') log.log('cascade_released', `${record.phase} ${fields.game_date}`, fields);
    else log.log('cascade_parked', `${record.phase} ${fields.game_date}: ${record.reasons[0]?.text ?? 'no reason'}`, { ...fields, reasons: record.reasons.map(({ text }) => text) });
  };
}
