import { addDays, formatDay } from '../../shared/calendar/day.ts';
import type { CascadeRecord } from '../../shared/cascade/cascade.ts';
import { commandFor, describeOutage, detectGaps } from '../../shared/flows/detect-gaps.ts';
import { makePlan, type RecoveredRun } from '../../shared/flows/recover.ts';
import { factsOf } from '../../shared/gaps/cell-facts.ts';
import { detect, unbrokenRuns, type Detection, type Finding } from '../../shared/gaps/detect.ts';
import type { LeftOut, RecoveryPlan } from '../../shared/recovery/plan.ts';
import { damageAtRest, forgetNight, setOutages } from './damage.ts';
import type { Narrator } from './narrator.ts';
import { at, DEMO, seeded, theMorningAfter } from './season.ts';
import { adoptAtSeasonStart, deliverAll, publishNight, type OpenedDemo } from './story.ts';

/** A live night over a small gap: the cascade is held, the gap is filled, the cascade releases itself. */
export async function liveNight(demo: OpenedDemo, folder: string, narrator: Narrator): Promise<void> {
  const { runtime } = demo;
  const night = DEMO.lastNight;
  await adoptAtSeasonStart(runtime);
  await runtime.engine.refresh(DEMO.from, theMorningAfter());
  setOutages(folder, {});
  await forgetNight(runtime, folder, night);
  const gap = addDays(night, -3);
  await runtime.warehouse.outside(`DELETE FROM nba_raw.nbac_team_boxscore WHERE game_date = DATE '${formatDay(gap)}'`);
  await runtime.engine.reread();
  narrator.say(`It is half past one in the morning. The games of ${formatDay(night)} are over, the nightly scheduler publishes its scrapers. Nobody has noticed that nbac_team_boxscore lost ${formatDay(gap)}.`);
  await publishNight(runtime, night);
  const seen = new Set<string>();
  await deliverAll(runtime, (cascades) => {
    for (const cascade of cascades.filter((one) => one.day === night)) tellCascade(cascade, seen, narrator);
  });
}

function tellCascade(cascade: CascadeRecord, seen: Set<string>, narrator: Narrator): void {
  const id = `${cascade.phase}/${cascade.state}/${cascade.state === 'released' ? '' : cascade.reasons[0]?.condition}`;
  if (seen.has(id)) return;
  seen.add(id);
  const name = `cascade of ${cascade.phase} for ${formatDay(cascade.day)}`;
  if (cascade.state === 'parked') {
    const [first] = cascade.reasons.filter((reason) => reason.condition >= 7 || reason.condition === 5 || reason.condition === 1);
    narrator.item(`${name} is HELD: ${first?.text ?? 'see smart-backfill cascades'}`);
  }
  if (cascade.state === 'released') narrator.item(`${name} is released: the next phase starts`);
}

export interface Found {
  readonly detection: Detection;
  readonly plan: RecoveryPlan;
}

/** Damages the copy at rest and tells what is found, and what the recovery would do about it. */
export async function findDamage(demo: OpenedDemo, folder: string, seed: number, narrator: Narrator): Promise<Found> {
  const { runtime } = demo;
  const damage = await damageAtRest(runtime, folder, seeded(seed));
  for (const { what } of damage) narrator.item(what);
  narrator.chapter('What smart-backfill finds, without being told');
  const started = performance.now();
  await runtime.engine.reread();
  const scope = { from: DEMO.from, to: theMorningAfter(), processors: null };
  const detection = detect(runtime.engine.world, scope);
  const plan = await makePlan(runtime.engine, { scope, by: 'detector', all: false, altered: 'policy' });
  narrator.say(`${detection.judged} cells judged in ${Math.round(performance.now() - started)} ms; ${detection.findings.length} are not complete. Grouped by root cause:`);
  for (const [root, findings] of byRoot(detection.findings, demo)) {
    const counts = countBy(findings, (finding) => finding.status);
    narrator.item(`${root}: explains ${counts}`);
  }
  const incomplete = readIncompleteCells(demo);
  if (incomplete > 0) narrator.say(`${incomplete} more cells have good rows that were computed while one of these was missing or wrong: they are checked again once it is mended.`);
  return { detection, plan };
}

function readIncompleteCells(demo: OpenedDemo): number {
  const { world, pipeline } = demo.runtime.engine;
  let count = 0;
  for (const processor of pipeline.processors) {
    for (const day of world.expectedDates(processor).within(DEMO.from, theMorningAfter())) {
      const facts = factsOf(world, processor, day);
      if (facts.data === 'present' && facts.readIncomplete && facts.trace === 'fresh') count += 1;
    }
  }
  return count;
}

/** Recovers by itself what is within the bounds, and tells what it left to a person. */
export async function recoverByItself(demo: OpenedDemo, plan: RecoveryPlan, narrator: Narrator, signal: AbortSignal): Promise<string | null> {
  const fills = plan.steps.filter((step) => step.action !== 'check');
  narrator.say(`Root causes first. ${fills.length} cells to mend, ${plan.steps.length - fills.length} readers to compare again at their turn:`);
  for (const step of fills.filter((one) => one.isRootCause).slice(0, 6)) narrator.item(`${step.action} ${step.processor} ${formatDay(step.day)}: ${step.reason}`);
  narrator.chapter('The recovery, within the bounds of automatic work');
  const started = performance.now();
  const detected = await detectGaps(demo.runtime.engine, { from: DEMO.from, to: theMorningAfter(), signal, on: narrator.progressOf('recovering') });
  narrator.endProgress();
  const recovered = detected.recovered;
  if (!recovered) return null;
  tellRuns(recovered.runs, performance.now() - started, narrator);
  narrator.chapter('What is left to a person, and what it blocks');
  tellLeftOut(recovered.leftOut, narrator);
  const command = commandFor(recovered.lastPlan.overBounds);
  for (const outage of recovered.lastPlan.overBounds) narrator.item(`over the bounds: ${describeOutage(outage)}`);
  for (const alert of demo.alerts) narrator.item(`one alert was sent: ${alert.title}`);
  if (command) {
    narrator.say('The command that would do it:');
    narrator.command(command);
  }
  return command;
}

function tellRuns(runs: readonly RecoveredRun[], milliseconds: number, narrator: Narrator): void {
  const ran = runs.filter((run) => run.outcome === 'ran');
  const unchanged = runs.filter((run) => run.outcome === 'unchanged');
  const cut = runs.filter((run) => run.outcome === 'cut_off');
  const redone = ran.filter((run) => run.action === 'check');
  narrator.item(`${ran.length - redone.length + unchanged.length} cells were filled or redone: ${countBy([...ran.filter((run) => run.action !== 'check'), ...unchanged], (run) => short(run.processor))}`);
  narrator.item(`${redone.length} were redone because what they had read was incomplete: ${countBy(redone, (run) => short(run.processor))}`);
  narrator.item(`${cut.length} readers were cut off: nothing that they read is another than before`);
  const failed = runs.filter((run) => run.outcome === 'failed' || run.outcome === 'blocked');
  if (failed.length > 0) narrator.item(`${failed.length} could not run: ${failed[0]?.note ?? ''}`);
  narrator.say(`${(milliseconds / 1000).toFixed(1)} s.`);
}

function tellLeftOut(leftOut: readonly LeftOut[], narrator: Narrator): void {
  const own = leftOut.filter((left) => left.code !== 'blocked' && left.code !== 'over_threshold' && left.code !== 'over_plan_cells' && left.code !== 'reader_outside');
  for (const left of own) {
    const blocks = leftOut.filter((other) => other.code === 'blocked' && other.because?.processor === left.processor && other.because.day === left.day);
    narrator.item(`${left.processor} ${formatDay(left.day)} (${left.code}): ${left.reason}. ${blocks.length === 0 ? 'Nothing else waits for it.' : `${blocks.length} cell${blocks.length === 1 ? ' waits' : 's wait'} for it.`}`);
  }
}

/** Findings by what explains them; root causes on consecutive dates of one processor are one. */
function byRoot(findings: readonly Finding[], demo: OpenedDemo): Map<string, Finding[]> {
  const { world } = demo.runtime.engine;
  const groups = new Map<string, Finding[]>();
  for (const processor of world.pipeline.processors) {
    const dates = world.expectedDates(processor);
    const roots = [...new Set(findings.filter((finding) => finding.root.processor === processor.name).map((finding) => finding.root.day))].sort((a, b) => a - b);
    for (const run of unbrokenRuns(roots, (day) => day, (day) => dates.countBefore(day))) {
      const explained = findings.filter((finding) => finding.root.processor === processor.name && run.includes(finding.root.day));
      const [first] = run;
      const last = run.at(-1);
      if (first === undefined || last === undefined) continue;
      const range = first === last ? formatDay(first) : `${formatDay(first)} to ${formatDay(last)}`;
      groups.set(`${processor.name} ${range} (${explained[0]?.root.because ?? ''})`, explained);
    }
  }
  return groups;
}

function countBy<T>(items: readonly T[], nameOf: (item: T) => string): string {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(nameOf(item), (counts.get(nameOf(item)) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${count} ${name}`).join(', ') || 'none';
}

function short(processor: string): string {
  return processor.replace(/Processor$/, '');
}

/** The hour of the story at which the damage is looked at. */
export function morning(timeZone: string): number {
  return at(theMorningAfter(), 9, timeZone);
}

export function night(timeZone: string): number {
  return at(theMorningAfter(), 1.5, timeZone);
}

