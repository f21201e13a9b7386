import type { Command } from 'commander';
import { z } from 'zod';
import { formatDay, type Day } from '../../shared/calendar/day.ts';
import type { CascadeRecord } from '../../shared/cascade/cascade.ts';
import { holdingBack } from '../../shared/cascade/decide.ts';
import { decideTurn, heldByBackfill, openBackfills } from '../../shared/flows/cascade.ts';
import type { Phase, Pipeline } from '../../shared/pipeline/pipeline.ts';
import { HeldBackError, InputError } from '../../shared/failures/errors.ts';
import { writeJson } from '../output/json.ts';
import { outStyle, paragraph, type Style } from '../output/style.ts';
import { renderTable } from '../output/table.ts';
import { cellText, counted, instant } from '../output/words.ts';
import { withState, type Session } from '../session.ts';
import { writeCascadeReport } from './cascades-report.ts';
import { done, heldBack, newCommand, newGroup, onRun, type CliContext } from './command.ts';
import { checkScope, commonOptions, readOneDate, readPhase, readReason } from './options.ts';

const listOptions = commonOptions.extend({ all: z.boolean().default(false) });
const releaseOptions = commonOptions.extend({ reason: z.string().optional() });
const operands = z.tuple([z.string(), z.string()]);

export function cascadesCommand(context: CliContext): Command {
  const group = newGroup('cascades', 'What starts the next phase for a date: what is parked, why, and what would release it.');
  const list = newCommand('list', 'cascades that are expected, waiting or parked', ['state', 'scope', 'json', 'now']).option('--all', 'released and not cascading ones too');
  group.addCommand(onRun(context, list, (given) => {
    const options = listOptions.parse(given);
    return withState(context, options, (session) => listCascades(session, options.all), { looks: true, check: (pipeline) => checkScope(options, pipeline) });
  }), { isDefault: true });
  const ofTurn = (command: Command): Command => command.argument('<phase>', 'name of the phase that is complete').argument('<date>', 'game date, YYYY-MM-DD');
  const show = ofTurn(newCommand('show', 'one cascade with all that holds it', ['state', 'json', 'now']));
  group.addCommand(onRun(context, show, (given, words) => {
    const [phase, date] = operands.parse(words);
    return withState(context, commonOptions.parse(given), (session) => showCascade(session, turnOf(session.pipeline, phase, date)), { looks: true, check: (pipeline) => void turnOf(pipeline, phase, date) });
  }));
  const release = ofTurn(newCommand('release', 'decides it again for a person: its age no longer counts, all else does', ['state', 'json', 'now'])).option('--reason <text>', 'why: needed, and kept');
  group.addCommand(onRun(context, release, (given, words) => {
    const [phase, date] = operands.parse(words);
    const options = releaseOptions.parse(given);
    const reason = readReason(options.reason, 'releasing');
    return withState(context, options, (session) => releaseCascade(session, turnOf(session.pipeline, phase, date), reason), { check: (pipeline) => void turnOf(pipeline, phase, date) });
  }));
  const report = newCommand('report', 'what enforce would have held, by phase', ['state', 'scope', 'json', 'now']);
  group.addCommand(onRun(context, report, (given) => {
    const options = commonOptions.parse(given);
    return withState(context, options, reportOn, { looks: true, check: (pipeline) => checkScope(options, pipeline) });
  }));
  return group;
}

interface Turn {
  readonly phase: Phase;
  readonly day: Day;
}

function turnOf(pipeline: Pipeline, name: string, date: string): Turn {
  return { phase: readPhase(name, pipeline), day: readOneDate(date, pipeline) };
}

async function inScope(session: Session): Promise<{ records: readonly CascadeRecord[]; from: Day; to: Day }> {
  const { from, to } = session.scope();
  const records = await session.runtime.store.cascades(from, to);
  const { phase } = session.options;
  return { records: records.filter((record) => phase === undefined || phase.split(',').includes(record.phase)), from, to };
}

async function listCascades(session: Session, all: boolean) {
  const { io, options } = session;
  const { records } = await inScope(session);
  const shown = all ? records : records.filter((record) => record.state === 'expected' || record.state === 'waiting' || record.state === 'parked');
  if (options.json) writeJson(io, { cascades: shown.map(cascadeJson) });
  else {
    io.out.write(shown.length === 0 ? 'no cascade is expected, waiting or parked\n' : renderTable(shown, [
      { header: 'DATE', value: (record) => formatDay(record.day) },
      { header: 'PHASE', value: (record) => record.phase },
      { header: 'STATE', value: (record) => record.state },
      { header: 'WHY', value: (record) => firstReason(record), fit: 'wrap' },
    ], outStyle(io)));
  }
  return done;
}

function firstReason({ reasons, wouldHave, releasedAt }: CascadeRecord): string {
  const [first, ...more] = reasons.length > 0 ? reasons : wouldHave;
  const released = releasedAt === null ? '' : `released at ${instant(releasedAt)} UTC`;
  if (!first) return released;
  const why = `${first.text}${more.length > 0 ? `, and ${counted(more.length, 'more reason')}` : ''}`;
  return reasons.length > 0 ? why : `nothing any more; enforce would have held it: ${why}`;
}

async function showCascade(session: Session, { phase, day }: Turn) {
  const { io, options } = session;
  const record = (await session.runtime.store.cascades(day, day)).find((candidate) => candidate.phase === phase.name);
  if (!record) throw new InputError(`received ${phase.name} ${formatDay(day)}, of which there is no cascade; allowed are those of: smart-backfill cascades list --all`);
  if (options.json) writeJson(io, { cascade: cascadeJson(record) });
  else io.out.write(renderCascade(record, outStyle(io)));
  return done;
}

function renderCascade(record: CascadeRecord, style: Style): string {
  const reasons = (list: CascadeRecord['reasons']): string[] => list.map((reason) => paragraph(`(${reason.condition}) ${reason.text}`, style, 2));
  return [
    `${style.bold(`${record.phase} ${formatDay(record.day)}`)}: ${record.state}, since ${instant(record.openedAt)} UTC, decided last at ${instant(record.decidedAt)}`,
    ...(record.reasons.length > 0 ? ['what holds it:', ...reasons(record.reasons)] : []),
    ...(record.wouldHave.length > 0 ? [record.state === 'released' ? 'what would have held it in enforce mode, and is gone:' : 'what would hold it in enforce mode:', ...reasons(record.wouldHave)] : []),
    ...(record.state === 'parked' ? ['it releases itself when these are gone'] : []),
    ...(record.releasedAt === null ? [] : [`released at ${instant(record.releasedAt)} UTC${record.releasedBy === null ? '' : ` by ${record.releasedBy}`}, ${counted(record.releasedDigests.length, 'time')}`]),
    '',
  ].join('\n');
}

async function releaseCascade(session: Session, { phase, day }: Turn, reason: string) {
  const { io, runtime: { engine, workOff }, options, signal } = session;
  if (phase.mode !== 'enforce') throw new HeldBackError(`${phase.name} is in ${phase.mode} mode, in which this program starts nothing; set its mode to enforce in pipeline.yaml`);
  await engine.refresh(day, day);
  const held = heldByBackfill(engine, await openBackfills(engine), phase, day);
  const { record, decision } = await decideTurn(engine, { phase, turn: day, status: 'success', isBackfill: false, skipDownstreamTrigger: false, owed: true, byPerson: `${io.user}: ${reason}`, held });
  const released = decision.reasons.length === 0;
  if (released) await workOff(signal);
  if (options.json) writeJson(io, { released, cascade: cascadeJson(record), cells: decision.release.map(({ processor, day: at }) => ({ processor, game_date: formatDay(at) })) });
  else if (released) io.out.write(`released ${phase.name} ${formatDay(day)}: ${decision.release.map(cellText).join(', ')}\n`);
  else io.out.write(renderCascade({ ...record, reasons: decision.reasons }, outStyle(io)));
  return holdingBack(decision.reasons).length === 0 ? done : heldBack;
}

async function reportOn(session: Session) {
  writeCascadeReport(session, (await inScope(session)).records);
  return done;
}

function cascadeJson(record: CascadeRecord): Record<string, unknown> {
  const at = (value: number | null): string | null => (value === null ? null : new Date(value).toISOString());
  return {
    phase: record.phase, game_date: formatDay(record.day), state: record.state, reasons: record.reasons, would_have: record.wouldHave, digest: record.digest, times_released: record.releasedDigests.length,
    opened_at: at(record.openedAt), decided_at: at(record.decidedAt), released_at: at(record.releasedAt), released_by: record.releasedBy,
  };
}
