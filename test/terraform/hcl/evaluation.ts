import { join } from 'node:path';
import { z } from 'zod';
import { evaluate, type Scope } from './evaluate.ts';
import { parseAttribute, parseExpression } from './expression.ts';
import { dynamicBlocks, dynamicNames, TERRAFORM, type Block, type Body, type Module } from './module.ts';
import { converted } from './types.ts';
import { entriesOf, isMap, Lazy, textOf, type Value } from './value.ts';

export type Attributes = Readonly<Record<string, Value>>;
/** What the provider would make known of a resource or data source: its id and other computed attributes. */
export type Computed = (block: Block, attributes: Attributes) => Attributes;

const META = new Set(['for_each', 'count', 'lifecycle', 'depends_on', 'provider', 'dynamic']);

/** A module with its variables set: what Terraform would plan, for the part of the language that evaluate.ts knows. */
export class Evaluation {
  readonly #module: Module;
  readonly #inputs: ReadonlyMap<string, Value>;
  readonly #computed: Computed;
  readonly #locals = new Map<string, Value>();

  constructor(module: Module, inputs: Attributes, computed: Computed) {
    this.#module = module;
    this.#computed = computed;
    for (const name of Object.keys(inputs)) if (!module.variables.has(name)) throw new Error(`${module.directory} has no variable ${name}`);
    this.#inputs = new Map([...module.variables].map(([name, declared]) => [name, this.#input(name, declared, inputs[name])]));
  }

  #input(name: string, declared: Body, given: Value | undefined): Value {
    const fallback = declared['default'];
    if (given === undefined && fallback === undefined) throw new Error(`variable ${name} of ${this.#module.directory} has no value`);
    const type = parseAttribute(z.string().parse(declared['type']));
    return converted(type, given === undefined ? this.#value(fallback, this.#scope) : given);
  }

  /** Messages of the variables' validations that do not hold. */
  invalid(): readonly string[] {
    return [...this.#module.variables.values()].flatMap((declared) => z.array(z.object({ condition: z.unknown(), error_message: z.unknown() })).default([]).parse(declared['validation']))
      .filter(({ condition }) => this.#value(condition, this.#scope) !== true)
      .map(({ error_message: message }) => textOf(this.#value(message, this.#scope)));
  }

  local(name: string): Value {
    const known = this.#locals.get(name);
    if (known !== undefined) return known;
    if (!this.#module.locals.has(name)) throw new Error(`${this.#module.directory} has no local ${name}`);
    const value = this.#value(this.#module.locals.get(name), this.#scope);
    this.#locals.set(name, value);
    return value;
  }

  /** Every instance of a resource or data source, by its key; '' where there is one without for_each. */
  instances(mode: Block['mode'], type: string, name: string): ReadonlyMap<string, Attributes> {
    const block = this.#module.blocks.find((each) => each.mode === mode && each.type === type && each.name === name);
    if (block === undefined) throw new Error(`${this.#module.directory} has no ${mode} ${type}.${name}`);
    const instance = (scope: Scope): Attributes => {
      const attributes = this.#body(block.body, scope);
      return { ...attributes, ...this.#computed(block, attributes) };
    };
    if (block.body['count'] !== undefined) {
      return new Map(Array.from({ length: Number(this.#value(block.body['count'], this.#scope)) }, (_, index) => [String(index), instance(this.#within('count', { index }))]));
    }
    if (block.body['for_each'] === undefined) return new Map([['', instance(this.#scope)]]);
    const each = this.#value(block.body['for_each'], this.#scope);
    return new Map(entriesOf(each).map(([key, value]) => {
      const name = textOf(isMap(each) ? key : value);
      return [name, instance(this.#within('each', { key: name, value }))];
    }));
  }

  #body(body: Body, scope: Scope): Attributes {
    const attributes = Object.fromEntries(Object.entries(body).filter(([name]) => !META.has(name)).map(([name, value]) => [name, this.#value(value, scope)]));
    for (const name of dynamicNames(body)) {
      attributes[name] = dynamicBlocks(body, name).flatMap(({ each, iterator, content }) => entriesOf(this.#value(each, scope)).map(([key, value]) => {
        const inner: Scope = (root) => (root === iterator ? { key, value } : scope(root));
        return this.#body(content, inner);
      }));
    }
    return attributes;
  }

  #value(attribute: unknown, scope: Scope): Value {
    if (typeof attribute === 'string') return evaluate(parseAttribute(attribute), scope);
    if (typeof attribute === 'number' || typeof attribute === 'boolean') return attribute;
    if (attribute === null || attribute === undefined) return null;
    if (Array.isArray(attribute)) return attribute.map((each: unknown) => this.#value(each, scope));
    const map = z.record(z.string(), z.unknown()).parse(attribute);
    return this.#body(Object.fromEntries(Object.entries(map).map(([key, value]) => [textOf(evaluate(parseAttribute(key), scope)), value])), scope);
  }

  #within(root: string, value: Value): Scope {
    return (name) => (name === root ? value : this.#scope(name));
  }

  readonly #scope: Scope = (name) => {
    if (name === 'local') return new Lazy((local) => this.local(local));
    if (name === 'var') return new Lazy((variable) => this.#inputs.get(variable) ?? null);
    if (name === 'path') return { module: join(TERRAFORM, this.#module.directory) };
    if (name === 'data') return new Lazy((type) => new Lazy((block) => this.#all('data', type, block)));
    if (name.startsWith('google_')) return new Lazy((block) => this.#all('resource', name, block));
    throw new Error(`${name} is not known in ${this.#module.directory}`);
  };

  #all(mode: Block['mode'], type: string, name: string): Value {
    const instances = this.instances(mode, type, name);
    const [only] = instances.values();
    return only !== undefined && instances.has('') ? only : Object.fromEntries(instances);
  }
}

/** Evaluates one expression, with nothing around it but values of its own. */
export function evaluateText(text: string, values: Attributes = {}): Value {
  return evaluate(parseExpression(text), (name) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${name} is not known`);
    return value;
  });
}

