import { Argument, type Command } from 'commander';
import { z } from 'zod';
import { resolve } from 'node:path';
import { formatDay } from '../../shared/calendar/day.ts';
import { loadChecks } from '../../shared/pipeline/checks.ts';
import { forGoogle } from '../../shared/pipeline/for-google.ts';
import { pipelineJsonSchemaText } from '../../shared/pipeline/json-schema.ts';
import { loadPipeline, type DefinitionReader, type LoadedPipeline } from '../../shared/pipeline/load.ts';
import { formatProblem, sortProblems, type Problem } from '../../shared/pipeline/problems.ts';
import type { Edge, Processor } from '../../shared/pipeline/pipeline.ts';
import { messageJsonSchemas } from '../../shared/requests/messages.ts';
import { BACKFILLS_FILE, backfillsShapeProblems, loadBackfills } from '../../shared/staged/load.ts';
import { backfillsJsonSchemaText } from '../../shared/staged/schema.ts';
import { writeJson } from '../output/json.ts';
import { errStyle, outStyle, paragraph } from '../output/style.ts';
import { count, counted, range } from '../output/words.ts';
import { definitionReader, pipelinePath, withState, type Session } from '../session.ts';
import { checkFiles } from './checks-source.ts';
import { badInput, done, newCommand, newGroup, onRun, type CliContext } from './command.ts';
import { checkPlaces, checkRuntime, checkScope, commonOptions, googlePipeline, type CommonOptions } from './options.ts';

const schemaOptions = commonOptions.extend({ messages: z.boolean().default(false) });
const schemaOperand = z.enum(['pipeline', 'backfills', 'messages']);
const SCHEMAS: Readonly<Record<z.infer<typeof schemaOperand>, () => string>> = {
  pipeline: pipelineJsonSchemaText, backfills: backfillsJsonSchemaText, messages: () => `${JSON.stringify(messageJsonSchemas(), null, 2)}\n`,
};

export function pipelineCommand(context: CliContext): Command {
  const group = newGroup('pipeline', 'The definition: pipeline.yaml, its SQL and checks, and backfills.yaml.');
  const validate = newCommand('validate', 'every mistake at once, each with its file, line and column', ['state', 'json']);
  group.addCommand(onRun(context, validate, async (given) => validateDefinition(context, commonOptions.parse(given))));
  const show = newCommand('show', 'phases, processors, windows, and how many dates are expected of each', ['state', 'scope', 'json', 'now']);
  group.addCommand(onRun(context, show, (given) => {
    const options = commonOptions.parse(given);
    return withState(context, options, showPipeline, { check: (pipeline) => checkScope(options, pipeline), makesNone: true, looks: true });
  }));
  const schema = newCommand('schema', 'the JSON Schema of pipeline.yaml, backfills.yaml or the messages, for editors', ['state'])
    .addArgument(new Argument('[of]', 'of what').choices(Object.keys(SCHEMAS)).default('pipeline')).option('--messages', 'the same as: messages');
  group.addCommand(onRun(context, schema, async (given, words) => {
    const options = schemaOptions.parse(given);
    const of = options.messages ? 'messages' : schemaOperand.parse(words[0]);
    context.io.out.write(SCHEMAS[of]());
    return done;
  }));
  return group;
}

async function validateDefinition({ io }: CliContext, given: CommonOptions) {
  checkPlaces(given);
  checkRuntime(given);
  const options = given.runtime === 'google' ? { ...given, pipeline: googlePipeline(given, io.environment) } : given;
  const path = pipelinePath(options, io.cwd);
  const reader = definitionReader(io.cwd);
  const loaded = loadPipeline(path, reader);
  const backfills = loaded.kind === 'ok' ? loadBackfills({ ...loaded.pipeline, directory: path }, reader) : null;
  const inBackfills = backfills === null ? backfillsShapeProblems(path, reader) : backfills.kind === 'invalid' ? backfills.problems : [];
  const problems = onceEach([...await problemsOf(path, reader, loaded, io.cwd), ...inBackfills]);
  // Says which processors have no target there.
  if (given.runtime === 'google' && loaded.kind === 'ok' && problems.length === 0) forGoogle(loaded.pipeline);
  if (options.json) writeJson(io, { valid: problems.length === 0, problems });
  else if (loaded.kind === 'ok' && problems.length === 0) io.out.write(`${outStyle(io).green('valid')}  ${loaded.pipeline.name} (${path}): ${counted(loaded.pipeline.phases.length, 'phase')}, ${counted(loaded.pipeline.processors.length, 'processor')}, ${counted(loaded.pipeline.seasons.length, 'season')}${backfills?.kind === 'ok' && backfills.definitions.size > 0 ? `; backfills ${[...backfills.definitions.keys()].join(', ')}` : ''}\n`);
  else {
    for (const problem of problems) io.out.write(`${formatProblem(problem)}\n`);
    io.err.write(`${errStyle(io).red('error:')} ${counted(problems.length, 'problem')}; docs/pipeline-yaml.md explains every field${inBackfills.length > 0 ? `, docs/backfills.md those of ${BACKFILLS_FILE}` : ''}\n`);
  }
  return problems.length === 0 ? done : badInput;
}

/** A check that a gate names is looked at as one of the folder, too. */
function onceEach(problems: readonly Problem[]): readonly Problem[] {
  return sortProblems([...new Map(problems.map((problem) => [formatProblem(problem), problem])).values()]);
}

/** The definition's mistakes, and those of its SQL that only a translation and a database find. */
async function problemsOf(path: string, reader: DefinitionReader, loaded: LoadedPipeline, cwd: string): Promise<readonly Problem[]> {
  const { checkSql, checkSqlText } = await import('../../shared/embedded/duckdb-check.ts');
  if (loaded.kind === 'ok') {
    const { checks, problems } = loadChecks(path, loaded.pipeline, { ...reader, listFiles: (directory) => checkFiles.listFiles(resolve(cwd, directory)) });
    return sortProblems([...problems, ...await checkSql(loaded.pipeline, checks)]);
  }
  const { problems } = loaded;
  const wrong = new Set(problems.map(({ file }) => file));
  const texts = new Map<string, string>();
  // Files that are wrong already are stood in for, so that the others can be checked all the same.
  const others = loadPipeline(path, {
    readText: (file) => {
      const text = reader.readText(file);
      if (!file.endsWith('.sql') || text === undefined) return text;
      texts.set(file, text);
      return wrong.has(file) ? 'SELECT 1 AS stand_in' : text;
    },
  });
  const found = others.kind === 'ok'
    ? await checkSql(others.pipeline)
    : (await Promise.all([...texts].map(([file, text]) => checkSqlText(file, text)))).flat();
  return sortProblems([...problems, ...found.filter(({ file }) => !wrong.has(file))]);
}

async function showPipeline(session: Session) {
  const { io, pipeline, options, runtime: { engine } } = session;
  const scope = session.scope();
  const world = await engine.refresh(scope.from, scope.to);
  const wanted = pipeline.processors.filter((processor) => scope.processors === null || scope.processors.has(processor.name));
  const expected = new Map(wanted.map((processor) => [processor.name, world.expectedDates(processor).within(scope.from, scope.to)]));
  if (options.json) {
    writeJson(io, {
      name: pipeline.name, time_zone: pipeline.timeZone, from: formatDay(scope.from), to: formatDay(scope.to),
      seasons: pipeline.seasons.map((season) => ({ name: season.name, from: formatDay(season.from), to: formatDay(season.to) })),
      phases: pipeline.phases.map((phase) => ({ name: phase.name, mode: phase.mode, completion_topic: phase.completionTopic, cascades: phase.cascades, backfillable: phase.backfillable, altered_policy: phase.alteredPolicy })),
      processors: wanted.map((processor) => ({
        name: processor.name, phase: processor.phase.name, output: processor.output.ref, key: processor.key, expected: processor.expected, expected_dates: expected.get(processor.name)?.length ?? 0,
        upstreams: processor.upstreams.map((edge) => ({ processor: edge.upstream, reads: edgeText(edge), columns: edge.columns })), stale_policy: processor.stalePolicy, critical: processor.critical, definition_hash: processor.definitionHash,
      })),
      settings: pipeline.settings,
    });
    return done;
  }
  const style = outStyle(io);
  io.out.write(`${style.bold(pipeline.name)}  ${pipeline.timeZone}; seasons ${pipeline.seasons.map((season) => season.name).join(', ')}; expected dates of ${range(scope.from, scope.to)}\n`);
  for (const phase of pipeline.phases) {
    const own = wanted.filter((processor) => processor.phase === phase);
    if (own.length === 0 && scope.processors !== null) continue;
    io.out.write(`\n${style.bold(phase.name)}  ${phase.mode}${phase.cascades ? '' : ', starts nothing'}${phase.backfillable ? '' : ', never backfilled'}  ${style.dim(phase.completionTopic)}\n`);
    for (const processor of own) {
      io.out.write(`  ${style.cyan(processor.name.padEnd(36))} ${count(expected.get(processor.name)?.length ?? 0).padStart(6)} dates  ${processor.output.ref}\n`);
      for (const line of aboutProcessor(processor)) io.out.write(`${paragraph(line, style, 6)}\n`);
    }
  }
  return done;
}

function aboutProcessor(processor: Processor): string[] {
  return [
    ...processor.upstreams.map((edge) => `reads ${edge.ownHistory ? 'its own history' : edge.upstream}: ${edgeText(edge)}`),
    ...(processor.warmUpGameDates > 0 ? [`warm-up of ${processor.warmUpGameDates} game dates at the start of a season`] : []),
    ...(processor.backfillable ? [] : ['not backfillable']),
  ];
}

function edgeText({ window: { reach, ownDate, critical }, columns }: Edge): string {
  const parts = ownDate ? ['its own date'] : [];
  if (reach.kind === 'days') parts.push(`${reach.days} days back`);
  if (reach.kind === 'game_dates') parts.push(`${reach.gameDates} game dates back`);
  if (reach.kind === 'season_to_date') parts.push('the season up to it');
  const unit = reach.kind === 'game_dates' ? 'game dates' : 'days';
  return `${parts.join(' and ')}${reach.kind === 'none' ? '' : `, critical ${critical} ${unit}`}${columns === null ? '' : `; only ${columns.join(', ')}`}`;
}
