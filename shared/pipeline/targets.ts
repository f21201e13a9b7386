import type { ProcessorDefinition, TargetDefinition } from './schema.ts';

/** What a definition says about how a processor is run, in each runtime. */

export interface Targets {
  /** What the embedded runtime runs. */
  readonly target: TargetDefinition;
  /** What Google's runtime runs; null where the definition has only an embedded one. */
  readonly googleTarget: TargetDefinition | null;
}

export function targetsOf(target: ProcessorDefinition['target']): Targets {
  if ('embedded' in target) return { target: target.embedded, googleTarget: target.google ?? null };
  return { target, googleTarget: isEmbeddedOnly(target) ? null : target };
}

export function isEmbeddedOnly(target: TargetDefinition): boolean {
  return 'in_process' in target || 'command' in target;
}

/** Whether a path names a .sql file below the definition's folder: nothing else is read. */
export function isSqlPath(path: string): boolean {
  return path.endsWith('.sql') && !/^(?:[\\/]|[A-Za-z]:)/.test(path) && !path.split(/[\\/]/).includes('..');
}

/** The .sql file of a processor, relative to the definition's folder; the same file runs in both runtimes. */
export function sqlFileOf(target: ProcessorDefinition['target']): string | undefined {
  const { target: embedded, googleTarget } = targetsOf(target);
  if ('bigquery_sql' in embedded) return embedded.bigquery_sql;
  return googleTarget && 'bigquery_sql' in googleTarget ? googleTarget.bigquery_sql : undefined;
}
