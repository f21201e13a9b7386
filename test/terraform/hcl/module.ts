import { parse } from '@cdktf/hcl2json';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { z } from 'zod';

/** Attributes and nested blocks, as hcl2json gives them: expressions are text with `${…}`, nested blocks are lists of bodies. */
export type Body = Readonly<Record<string, unknown>>;

export interface Block {
  /** `resource` or `data`. */
  readonly mode: 'resource' | 'data';
  readonly type: string;
  readonly name: string;
  readonly body: Body;
  /** For messages: the module's folder and the block's address. */
  readonly address: string;
}

export interface Module {
  readonly directory: string;
  readonly blocks: readonly Block[];
  readonly variables: ReadonlyMap<string, Body>;
  readonly outputs: ReadonlyMap<string, Body>;
  readonly calls: ReadonlyMap<string, Body>;
  readonly locals: ReadonlyMap<string, unknown>;
  /** Versions that the module asks for: of Terraform, and of each provider. */
  readonly versions: { readonly terraform: string | null; readonly providers: Readonly<Record<string, { readonly source: string; readonly version: string }>> };
}

export const TERRAFORM = join(import.meta.dirname, '../../../terraform');

const body = z.record(z.string(), z.unknown());
/** A labelled block stands in a list of one. */
const labelled = z.record(z.string(), z.tuple([body]));
const typed = z.record(z.string(), labelled).default({});
const fileSchema = z.object({
  resource: typed, data: typed, variable: labelled.default({}), output: labelled.default({}), module: labelled.default({}), locals: z.array(body).default([]),
  provider: z.record(z.string(), z.array(body)).optional(), terraform: z.array(z.object({
    required_version: z.string().optional(), required_providers: z.tuple([z.record(z.string(), z.object({ source: z.string(), version: z.string() }))]).optional(),
    backend: z.unknown().optional(),
  }).strict()).default([]),
}).strict();

/** Folders of terraform/ with .tf files, from its root. */
export function moduleDirectories(): readonly string[] {
  const folders = readdirSync(TERRAFORM, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.tf') && !entry.parentPath.includes('.terraform/'))
    .map((entry) => relative(TERRAFORM, entry.parentPath) || '.');
  return [...new Set(folders)].sort();
}

export async function readModule(directory: string): Promise<Module> {
  const folder = join(TERRAFORM, directory);
  const names = readdirSync(folder).filter((name) => name.endsWith('.tf'));
  const files = await Promise.all(names.map(async (name) => fileSchema.parse(await parse(name, readFileSync(join(folder, name), 'utf8')))));
  const blocksOf = (mode: Block['mode']) => files.flatMap((file) => Object.entries(file[mode]).flatMap(([type, blocks]) => Object.entries(blocks).map(([name, [content]]): Block => ({
    mode, type, name, body: content, address: `${directory}: ${mode === 'data' ? 'data.' : ''}${type}.${name}`,
  }))));
  const joined = (kind: 'variable' | 'output' | 'module') => new Map(files.flatMap((file) => Object.entries(file[kind]).map(([name, [content]]): [string, Body] => [name, content])));
  const settings = files.flatMap(({ terraform }) => terraform);
  return {
    directory, blocks: [...blocksOf('resource'), ...blocksOf('data')], variables: joined('variable'), outputs: joined('output'), calls: joined('module'),
    locals: new Map(files.flatMap(({ locals }) => locals.flatMap((each) => Object.entries(each)))),
    versions: {
      terraform: settings.find(({ required_version: version }) => version !== undefined)?.required_version ?? null,
      providers: Object.assign({}, ...settings.map(({ required_providers: providers }) => providers?.[0] ?? {})),
    },
  };
}

export async function readModules(): Promise<readonly Module[]> {
  return Promise.all(moduleDirectories().map(readModule));
}

/** Nested blocks of a name: those that stand there, and those of a dynamic block. */
export function nestedBlocks(of: Body, name: string): readonly Body[] {
  const fixed = z.array(body).safeParse(of[name]);
  return [...(fixed.success ? fixed.data : []), ...dynamicBlocks(of, name).map(({ content }) => content)];
}

const dynamicSchema = z.record(z.string(), z.array(z.object({ for_each: z.unknown(), iterator: z.string().optional(), content: z.tuple([body]) })));

export function dynamicBlocks(of: Body, name: string): readonly { readonly each: unknown; readonly iterator: string; readonly content: Body }[] {
  if (of['dynamic'] === undefined) return [];
  return (dynamicSchema.parse(of['dynamic'])[name] ?? []).map((dynamic) => ({ each: dynamic.for_each, iterator: dynamic.iterator ?? name, content: dynamic.content[0] }));
}

export function dynamicNames(of: Body): readonly string[] {
  return of['dynamic'] === undefined ? [] : Object.keys(dynamicSchema.parse(of['dynamic']));
}
