import { join } from 'node:path';
import { InputError } from '../../../shared/failures/errors.ts';
import { FolderObjects } from '../../../shared/google/objects-folder.ts';
import { parseMessage } from '../../../shared/requests/decode.ts';
import { outagesSchema } from '../processors/outages.ts';

const FILE = 'outages.json';

/** `outages.json` of the source's folder: how the league's site is to fail, for demos and tests. */
export class Outages {
  readonly #folder: FolderObjects;
  readonly #path: string;

  constructor(sourceDirectory: string) {
    this.#folder = new FolderObjects(sourceDirectory);
    this.#path = join(sourceDirectory, FILE);
  }

  /** An empty object where there are none. */
  async read(): Promise<unknown> {
    const present = await this.#folder.read(FILE);
    return present === null ? {} : checked(present.bytes, this.#path);
  }

  /** Replaces all of them. Throws InputError where they are not right; then they stay as they were. */
  async set(body: Uint8Array): Promise<unknown> {
    const outages = checked(body, 'the body');
    await this.#folder.write(FILE, Buffer.from(`${JSON.stringify(outages)}\n`), 'any');
    return outages;
  }
}

function checked(bytes: Uint8Array, where: string): unknown {
  const message = parseMessage(bytes);
  const outages = message.kind === 'ok' ? outagesSchema.safeParse(message.value) : null;
  if (outages?.success) return outages.data;
  const why = message.kind === 'refused' ? message.reason : outages?.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  throw new InputError(`${where}: ${why}; write {"player_boxscore": {"2023-12-05": "no_data"}}, with "no_data" or "down" for pages schedule, player_boxscore and team_boxscore`);
}
