import { resolve } from 'node:path';
import { startAnalyzer, type Analyzer } from './analyzer.ts';
import { adapterStatements } from './adapter-statements.ts';
import { mistakeIn } from './outcome.ts';
import { checkStatements, fileStatements, pipelinesIn } from './pipelines.ts';
import { languageOf, type Language } from './request.ts';
import { wrongStatements } from './wrong-statements.ts';

/** Puts every GoogleSQL statement of the project through Google's analyzer. README.md says how to call it. */

const say = (line: string): void => { process.stdout.write(`${line}\n`); };

/** Whether it can fail: each wrong statement has to be refused, for its own reason. */
async function selfCheck(analyzer: Analyzer, language: Language): Promise<number> {
  let missed = 0;
  for (const { statement, says } of wrongStatements) {
    const mistake = await mistakeIn(analyzer, language, statement);
    if (mistake !== null && says.test(mistake)) continue;
    missed += 1;
    say(`NOT SEEN  ${statement.title}\n${statement.sql}\nthe analyzer says: ${mistake ?? 'nothing'}; expected: ${says}`);
  }
  say(`${wrongStatements.length - missed} of ${wrongStatements.length} wrong statements refused, as they should be`);
  return missed;
}

async function main(): Promise<number> {
  const statements = pipelinesIn(resolve(import.meta.dirname, '../../pipelines')).flatMap((pipeline) => [...fileStatements(pipeline), ...checkStatements(pipeline), ...adapterStatements(pipeline)]);
  const analyzer = await startAnalyzer();
  try {
    const language = await languageOf(analyzer);
    const missed = await selfCheck(analyzer, language);
    let refused = 0;
    for (const statement of statements) {
      const mistake = await mistakeIn(analyzer, language, statement);
      say(`${mistake === null ? 'ok      ' : 'REFUSED '}  ${statement.title}`);
      if (mistake === null) continue;
      refused += 1;
      say(`${mistake}\n--- the statement\n${statement.sql}\n---`);
    }
    say(`${statements.length - refused} passing\n${refused + missed} failing`);
    return refused + missed === 0 && statements.length > 0 ? 0 : 1;
  } finally {
    analyzer.stop();
  }
}

process.exitCode = await main();
process.exit();
