import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { InputError, NeverRetryError } from '../failures/errors.ts';

/** Functions of a pipeline's own modules, named in its definition as `./module.ts#name`. */

type Callable = (...received: readonly unknown[]) => unknown;

export class PipelineModules {
  readonly #directory: string;
  readonly #loaded = new Map<string, Promise<ReadonlyMap<string, unknown>>>();

  /** `directory` holds pipeline.yaml: relative names start there. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  async find(reference: string): Promise<Callable> {
    const [module = '', name = ''] = reference.split('#');
    const exported = await this.#load(module);
    const found = exported.get(name);
    if (isCallable(found)) return found;
    const functions = [...exported].filter(([, value]) => isCallable(value)).map(([exportedName]) => exportedName);
    throw new InputError(`'${reference}' names a function that ${module} does not export; it exports ${functions.join(', ') || 'no function'}`);
  }

  #load(module: string): Promise<ReadonlyMap<string, unknown>> {
    const path = resolve(this.#directory, module);
    const loaded = this.#loaded.get(path) ?? importModule(path);
    this.#loaded.set(path, loaded);
    // A module that was mended meanwhile is looked for again.
    loaded.catch(() => this.#loaded.delete(path));
    return loaded;
  }
}

async function importModule(path: string): Promise<ReadonlyMap<string, unknown>> {
  try {
    const exported: unknown = await import(pathToFileURL(path).href);
    return new Map(Object.entries(typeof exported === 'object' && exported !== null ? exported : {}));
  } catch (thrown) {
    throw new NeverRetryError(`${path} cannot be loaded: ${thrown instanceof Error ? thrown.message : String(thrown)}`, { cause: thrown });
  }
}

function isCallable(value: unknown): value is Callable {
  return typeof value === 'function';
}
