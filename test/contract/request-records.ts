import type { UntoldFailure } from '../../shared/alerts/untold.ts';
import { dayOf } from '../../shared/calendar/day.ts';
import type { CascadeRecord } from '../../shared/cascade/cascade.ts';
import type { Writes } from '../../shared/ports/request-store.ts';
import type { Ask } from '../../shared/requests/ask.ts';
import { emptyRecord, type CellKey, type CellRecord, type OpenRequest } from '../../shared/requests/cell.ts';
import { skipped } from '../../shared/staged/transitions.ts';
import { recordOf } from '../staged/builders.ts';
import { changeRow, historyRow } from './history-rows.ts';

/** Records for tests of a store. */

/** Processors of the suite in the order of their rank. */
export const rankedProcessors = ['Raw', 'Summary', 'Analysis'] as const;

export const nov15 = dayOf('2023-11-15');
export const nov16 = dayOf('2023-11-16');
export const now = Date.UTC(2023, 10, 20);
export const raw15 = { processor: 'Raw', day: nov15 };
export const summary15 = { processor: 'Summary', day: nov15 };

export function openRequest(change: Partial<OpenRequest> = {}): OpenRequest {
  return {
    state: 'queued', kind: 'auto', priority: 'normal', reason: 'auto_backfill', requestedBy: 'detector', openedAt: now, asks: [], waitingFor: null,
    waitingSince: null, attempts: 0, notBefore: null, lease: null, again: false, force: false, rerun: false, skipDownstreamTrigger: true, isBackfill: true,
    planId: null, backfillId: null, takeovers: 0, ...change,
  };
}

export function cellWith(key: CellKey, request: Partial<OpenRequest> | null): CellRecord {
  return { ...emptyRecord(key), generation: 1, request: request && openRequest(request) };
}

export function askOf(id: string): Ask {
  return {
    id, asker: 'person', by: 'ana', reason: 'looks wrong', at: now, priority: 'high', reprocess: 'none', force: false, skipDownstreamTrigger: true,
    isBackfill: true, planId: null, backfillId: null, summary: 'Raw 2023-11-15', refused: null,
  };
}

export const cascade: CascadeRecord = {
  phase: 'phase_2_raw', day: nov15, state: 'parked', reasons: [{ condition: 8, text: 'an input is missing' }], wouldHave: [], digest: 'd1',
  releasedDigests: [], openedAt: now, decidedAt: now, releasedAt: null, backfillId: null, releasedBy: null,
};

export const backfill = skipped(recordOf(), dayOf('2024-01-03'), { by: 'ana', reason: 'no source “yet” 🏀' }, now);

export function untoldFailure(id: string, change: Partial<UntoldFailure> = {}): UntoldFailure {
  return { id, backfillId: null, ...raw15, category: 'processing', message: 'division by zero', at: now, cools: false, due: true, ...change };
}

/** Every part of a write at once. */
export function everything(): Writes {
  return {
    cells: [{
      ...cellWith(raw15, { state: 'processing', lease: { owner: 'w', token: 3, until: now + 1000, runId: 'run-1', startedAt: now } }),
      last: {
        runId: 'run-0', at: now, rows: 231, fingerprint: '231:00000000000000ff', views: { 'game_id,season': '8:01' }, origin: 'ours', forced: false,
        trace: { digest: 'abc', edges: { 'Schedule|': 'f1' }, definitionHash: 'h', codeVersion: '1' },
      },
      failure: {
        outcome: 'failed', category: 'infrastructure', message: 'connection “reset” 🏀', at: now, runId: 'run-1', step: 1, coolsUntil: now + 1, inputsDigest: null,
        definitionHash: 'h',
      },
      hold: { by: 'ana', reason: 'looking', at: now },
      acceptance: { by: 'ana', reason: 'known', at: now, until: null, fingerprint: null, missingKeys: ['0022300001'] },
      suspect: 'an input changed', recentAsks: ['ask-1'],
    }],
    slots: [{ processor: 'Raw', holders: [{ day: nov15, token: 3, until: now + 1000 }], slowUntil: now + 5 }],
    asks: [askOf('ask-1')],
    askCells: [{ askId: 'ask-1', ...raw15, outcome: 'open', note: '', at: now }],
    cascades: [cascade],
    leases: [{ name: 'detector', owner: 'w', until: now + 1, again: true, detail: '{}' }],
    backfills: [backfill],
    controls: { paused: { by: 'ana', reason: 'maintenance', at: now }, adoptedOn: nov15, autoCells: { day: nov15, count: 3 }, lastBoundsAlert: 'b1', halted: ['season-2023-24'] },
    untold: [untoldFailure('Raw 19676 1')],
    outbox: [{ id: 'out-1', topic: 'nba-phase2-raw-complete', body: '{"phase":"phase_2_raw"}' }],
    history: [historyRow({ run_id: 'run-1' })],
    changes: [changeRow({ status: 'processing' })],
    traces: [{ runId: 'run-1', trace: '[["Schedule","2023-11-15","f1"]]' }],
    remembered: [{ season: '2023-24', games: [{ key: '0022300001', day: nov15, status: 3, narrow: null, removed: null }] }],
  };
}
