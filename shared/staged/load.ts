import { join } from 'node:path';
import { hash64, hex64 } from '../gaps/fingerprint.ts';
import { checkName, CHECKS_FOLDER, compileCheck } from '../pipeline/checks.ts';
import type { DefinitionReader } from '../pipeline/load.ts';
import { suggestion } from '../pipeline/nearest.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { mistakeMessage, shown, sortProblems, type Mistake, type Problem } from '../pipeline/problems.ts';
import { shapeMistakes } from '../pipeline/shape.ts';
import { positionAt } from '../pipeline/sql-tokens.ts';
import { readYaml } from '../pipeline/yaml-source.ts';
import { backfillsJsonSchema, backfillsSchema, type BackfillDefinition, type BackfillsFile, type Check } from './schema.ts';

/** Reads backfills.yaml of a pipeline's folder, and every mistake in it at once. */

export const BACKFILLS_FILE = 'backfills.yaml';

export type LoadedBackfills =
  /** By name; empty where the folder has no such file. */
  | { readonly kind: 'ok'; readonly definitions: ReadonlyMap<string, BackfillDefinition> }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] };

export function loadBackfills(pipeline: Pipeline, io: DefinitionReader): LoadedBackfills {
  const read = readFile(pipeline.directory, io);
  if (read === null) return { kind: 'ok', definitions: new Map() };
  if (read.kind === 'invalid') return read;
  const { file, locate } = read;
  const checks = readChecks(pipeline, file, io);
  const problems = [...[...meaning(pipeline, file), ...checks.missing].map(locate), ...checks.inSql];
  if (problems.length > 0) return { kind: 'invalid', problems: sortProblems(problems) };
  return { kind: 'ok', definitions: new Map(Object.entries(file.backfills).map(([name, given]) => {
    const used = new Set(given.stages.flatMap((stage) => stage.gate?.checks ?? []));
    const definition = { ...given, name, checks: [...used].flatMap((path) => checks.found.get(path) ?? []) };
    return [name, { ...definition, hash: hex64(hash64(JSON.stringify(definition))) }];
  })) };
}

/** The mistakes that can be seen where there is no pipeline to hold the file against, since its own definition is wrong. */
export function backfillsShapeProblems(directory: string, io: DefinitionReader): readonly Problem[] {
  const read = readFile(directory, io);
  return read?.kind === 'invalid' ? read.problems : [];
}

type ReadBackfills = Extract<LoadedBackfills, { kind: 'invalid' }> | { readonly kind: 'shaped'; readonly file: BackfillsFile; readonly locate: (mistake: Mistake) => Problem };

/** Null: there is no such file. */
function readFile(directory: string, io: DefinitionReader): ReadBackfills | null {
  const file = join(directory, BACKFILLS_FILE);
  const text = io.readText(file);
  if (text === undefined) return null;
  const yaml = readYaml(file, text);
  if (yaml.kind === 'unparseable') return { kind: 'invalid', problems: yaml.problems };
  const locate = (mistake: Mistake): Problem => ({ file, ...yaml.positionOf(mistake.path, mistake.at), message: mistakeMessage(mistake) });
  const parsed = backfillsSchema.safeParse(yaml.data);
  if (!parsed.success) return { kind: 'invalid', problems: sortProblems(shapeMistakes(parsed.error.issues, yaml.data, backfillsJsonSchema()).map(locate)) };
  return { kind: 'shaped', file: parsed.data, locate };
}

function meaning(pipeline: Pipeline, { backfills }: BackfillsFile): Mistake[] {
  const allowed = pipeline.phases.filter((phase) => phase.backfillable).map((phase) => phase.name);
  const known = pipeline.phases.map((phase) => phase.name);
  const mistakes: Mistake[] = [];
  for (const [name, { stages }] of Object.entries(backfills)) {
    for (const [index, stage] of stages.entries()) {
      const path = ['backfills', name, 'stages', index];
      const same = stages.findIndex((other) => other.name === stage.name);
      if (same < index) mistakes.push({ path: [...path, 'name'], what: `two stages are named ${stage.name}`, received: shown(stage.name), allowed: 'each name once', hint: 'rename one' });
      for (const [at, phase] of stage.phases.entries()) {
        if (stage.phases.indexOf(phase) < at) mistakes.push({ path: [...path, 'phases', at], what: `${phase} is named twice`, received: shown(phase), allowed: 'each phase once', hint: 'remove one' });
        if (allowed.includes(phase)) continue;
        const what = known.includes(phase) ? `${phase} is not backfillable` : `unknown phase ${phase}`;
        mistakes.push({ path: [...path, 'phases', at], what, received: shown(phase), allowed: allowed.join(', '), hint: suggestion(phase, allowed, 'name another, or leave it out') });
      }
      for (const [at, phase] of (stage.gate?.phases ?? []).entries()) {
        if (known.includes(phase)) continue;
        mistakes.push({ path: [...path, 'gate', 'phases', at], what: `unknown phase ${phase}`, received: shown(phase), allowed: known.join(', '), hint: suggestion(phase, known, 'name another, or leave it out') });
      }
      if (stage.order === 'parallel' && stage.delay_seconds > 0) {
        mistakes.push({ path: [...path, 'delay_seconds'], what: 'a parallel stage has no order of dates to wait between', received: shown(stage.delay_seconds), allowed: 'delay_seconds with order: by_date', hint: 'leave it out, or write order: by_date' });
      }
      mistakes.push(...cascadeMistakes(pipeline, stage, path));
    }
  }
  return mistakes;
}

/** A cascade goes from a phase to the next one, date by date: that is what a stage that cascades has to be like. */
function cascadeMistakes(pipeline: Pipeline, stage: BackfillsFile['backfills'][string]['stages'][number], path: Mistake['path']): Mistake[] {
  if (!stage.cascade) return [];
  const mistakes: Mistake[] = [];
  if (stage.order !== 'by_date') mistakes.push({ path: [...path, 'cascade'], what: 'cascades go date by date', received: shown(true), allowed: 'cascade: true with order: by_date', hint: 'write order: by_date, or leave cascade out' });
  if (stage.phases.length < 2) mistakes.push({ path: [...path, 'phases'], what: 'one phase alone has no cascade', received: shown(stage.phases), allowed: 'two phases or more, each followed by the next of pipeline.yaml', hint: 'name the phase that comes by cascade too, or leave cascade out' });
  for (const [at, name] of stage.phases.entries()) {
    const before = pipeline.phases.findIndex((phase) => phase.name === stage.phases[at - 1]);
    const next = pipeline.phases[before + 1];
    if (at === 0 || before < 0 || (next?.name === name && next.cascades)) continue;
    const what = next?.name === name ? `${name} is started by no cascade (cascades: false in pipeline.yaml)` : `${name} does not follow ${stage.phases[at - 1] ?? ''} in pipeline.yaml, so that no cascade comes to it from there`;
    mistakes.push({ path: [...path, 'phases', at], what, received: shown(name), allowed: next?.cascades === true ? next.name : 'no other phase after it', hint: 'name phases in the order of pipeline.yaml, without a gap' });
  }
  return mistakes;
}

interface ReadChecks {
  readonly found: ReadonlyMap<string, Check>;
  readonly missing: readonly Mistake[];
  readonly inSql: readonly Problem[];
}

function readChecks(pipeline: Pipeline, { backfills }: BackfillsFile, io: DefinitionReader): ReadChecks {
  const found = new Map<string, Check>();
  const missing: Mistake[] = [];
  const inSql: Problem[] = [];
  for (const [definition, { stages }] of Object.entries(backfills)) {
    for (const [index, stage] of stages.entries()) {
      for (const [at, path] of (stage.gate?.checks ?? []).entries()) {
        if (found.has(path)) continue;
        const place = ['backfills', definition, 'stages', index, 'gate', 'checks', at];
        const file = join(pipeline.directory, path);
        const name = checkName(path);
        const sql = name === null ? undefined : io.readText(file);
        if (name === null || sql === undefined) {
          missing.push({ path: place, what: `there is no check ${path}`, received: shown(path), allowed: `a .sql file in ${join(pipeline.directory, CHECKS_FOLDER)}, as ${CHECKS_FOLDER}/NAME.sql`, hint: 'write the file, or correct the path' });
          continue;
        }
        const compiled = compileCheck(name, sql, pipeline);
        if (compiled.kind === 'ok') found.set(path, { file: path, sql });
        else inSql.push(...compiled.mistakes.map(({ offset, ...mistake }) => ({ file, ...positionAt(sql, offset), message: mistakeMessage(mistake) })));
      }
    }
  }
  return { found, missing, inSql };
}
