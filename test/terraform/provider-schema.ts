import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { dynamicNames, nestedBlocks, type Block, type Body } from './hcl/module.ts';

/** What the provider says of a block: https://developer.hashicorp.com/terraform/cli/commands/providers/schema */
export interface BlockSchema {
  readonly attributes?: Readonly<Record<string, { readonly type?: unknown; readonly required?: boolean; readonly optional?: boolean; readonly computed?: boolean }>>;
  readonly block_types?: Readonly<Record<string, { readonly block: BlockSchema; readonly nesting_mode: string; readonly min_items?: number; readonly max_items?: number }>>;
}

const attributeSchema = z.object({ type: z.unknown(), required: z.boolean().optional(), optional: z.boolean().optional(), computed: z.boolean().optional() });
const blockSchema: z.ZodType<BlockSchema> = z.lazy(() => z.object({
  attributes: z.record(z.string(), attributeSchema).optional(),
  block_types: z.record(z.string(), z.object({ block: blockSchema, nesting_mode: z.string(), min_items: z.number().optional(), max_items: z.number().optional() })).optional(),
}));
const typesSchema = z.record(z.string(), blockSchema);
const providerSchema = z.object({ version: z.string(), resources: typesSchema, data_sources: typesSchema });

export type ProviderSchema = z.infer<typeof providerSchema>;

export function readProviderSchema(): ProviderSchema {
  return providerSchema.parse(JSON.parse(gunzipSync(readFileSync(join(import.meta.dirname, '../fixtures/terraform/provider-schema.json.gz'))).toString('utf8')));
}

const META = new Set(['for_each', 'count', 'lifecycle', 'depends_on', 'provider', 'dynamic']);

/** What is wrong with a block by the provider's schema; none where it is right. */
export function blockProblems(schema: ProviderSchema, block: Block): readonly string[] {
  const known = (block.mode === 'resource' ? schema.resources : schema.data_sources)[block.type];
  if (known === undefined) return [`${block.address}: the provider's schema has no ${block.mode} ${block.type}; cut it anew (test/fixtures/terraform/cut-schema.ts)`];
  return bodyProblems(known, block.body, block.address);
}

function bodyProblems(schema: BlockSchema, body: Body, at: string): readonly string[] {
  const attributes = schema.attributes ?? {};
  const blocks = schema.block_types ?? {};
  const written = [...Object.keys(body).filter((name) => !META.has(name)), ...dynamicNames(body)];
  return [
    ...written.filter((name) => attributes[name] === undefined && blocks[name] === undefined).map((name) => `${at}: ${name} is neither an attribute nor a block`),
    ...written.filter((name) => attributes[name]?.computed === true && attributes[name].optional !== true && attributes[name].required !== true).map((name) => `${at}: ${name} can only be read`),
    ...Object.entries(attributes).filter(([name, { required }]) => required === true && !written.includes(name)).map(([name]) => `${at}: ${name} is missing`),
    ...Object.entries(attributes).filter(([name, { type }]) => written.includes(name) && mistyped(type, body[name])).map(([name, { type }]) => `${at}: ${name} is ${JSON.stringify(body[name])}, allowed is ${JSON.stringify(type)}`),
    ...Object.entries(blocks).flatMap(([name, { block, min_items: least = 0, max_items: most = Infinity }]) => {
      const found = nestedBlocks(body, name);
      // How many a dynamic block makes is known at plan only.
      const dynamic = dynamicNames(body).includes(name);
      return [
        ...(written.includes(name) && found.length === 0 ? [`${at}: ${name} is a block, not an attribute`] : []),
        ...(!dynamic && found.length < least ? [`${at}: ${found.length} blocks ${name}, at least ${least} are needed`] : []),
        ...(!dynamic && found.length > most ? [`${at}: ${found.length} blocks ${name}, at most ${most} are allowed`] : []),
        ...found.flatMap((inner) => bodyProblems(block, inner, `${at}.${name}`)),
      ];
    }),
  ];
}

/** A written value that can't become the attribute's type; an expression is known at plan only. */
function mistyped(type: unknown, value: unknown): boolean {
  if (typeof value === 'string' && value.includes('${')) return false;
  if (type === 'number') return typeof value !== 'number' && !(typeof value === 'string' && value !== '' && Number.isFinite(Number(value)));
  if (type === 'bool') return typeof value !== 'boolean';
  if (type === 'string') return typeof value === 'object';
  const collection = z.tuple([z.string(), z.unknown()]).safeParse(type);
  if (!collection.success) return false;
  return collection.data[0] === 'map' ? typeof value !== 'object' || Array.isArray(value) : !Array.isArray(value);
}
