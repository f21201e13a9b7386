import { createHash } from 'node:crypto';
import type { CollectionReference, DocumentReference, Firestore } from '@google-cloud/firestore';
import { formatDay, type Day } from '../calendar/day.ts';
import type { CascadeKey } from '../cascade/cascade.ts';
import { InputError } from '../failures/errors.ts';
import type { CellKey } from '../requests/cell.ts';

/** Collections of the state. Indexes and TTL policies go by these names (`firestore-indexes.ts`). */
export const collectionNames = {
  cells: 'cells', blocks: 'blocks', slots: 'slots', asks: 'asks', askCells: 'ask_cells', cascades: 'cascades', leases: 'leases', backfills: 'backfills', controls: 'controls',
  remembered: 'remembered', untold: 'untold_failures', traces: 'traces', outbox: 'outbox',
} as const;
type CollectionName = Exclude<keyof typeof collectionNames, 'askCells'>;

/** Days of one processor whose records lie together in one document: a season of 250 days is in two or three of them. */
export const DAYS_A_BLOCK = 128;

export function blockOf(day: Day): number {
  return Math.floor(day / DAYS_A_BLOCK);
}

/** Longest document id that Firestore takes is 1500 bytes: https://cloud.google.com/firestore/quotas. */
const LONGEST_ID = 1000;

/** Any text as a document id: without slashes, no dots alone, nothing between double underscores, never empty. */
export function documentId(text: string): string {
  const id = encodeURIComponent(text.toWellFormed()).replace(/^[._]/, (first) => (first === '.' ? '%2E' : '%5F')) || '%';
  return id.length <= LONGEST_ID ? id : `%${createHash('sha256').update(text).digest('hex')}`;
}

export function cellId(key: CellKey): string {
  return `${documentId(key.processor)}~${formatDay(key.day)}`;
}

/** Where each record lies: under a document of its own (`root`, for several pipelines in one database), or at the top. */
export class StatePaths {
  readonly #client: Firestore;
  readonly #root: string;

  constructor(client: Firestore, root: string) {
    const segments = root === '' ? [] : root.split('/');
    if (segments.length % 2 !== 0 || segments.some((segment) => segment === '')) {
      throw new InputError(`received '${root}' as the root of the state, which is the path of no document; write collection/document, for example pipelines/nba, or leave it out`);
    }
    this.#client = client;
    this.#root = root === '' ? '' : `${root}/`;
  }

  all(name: CollectionName): CollectionReference {
    return this.#client.collection(this.#root + collectionNames[name]);
  }

  cell(key: CellKey): DocumentReference {
    return this.all('cells').doc(cellId(key));
  }

  block(processor: string, block: number): DocumentReference {
    return this.all('blocks').doc(`${documentId(processor)}~${block}`);
  }

  slots(processor: string): DocumentReference {
    return this.all('slots').doc(documentId(processor));
  }

  ask(id: string): DocumentReference {
    return this.all('asks').doc(documentId(id));
  }

  askCells(id: string): CollectionReference {
    return this.ask(id).collection(collectionNames.askCells);
  }

  cascade(key: CascadeKey): DocumentReference {
    return this.all('cascades').doc(`${documentId(key.phase)}~${formatDay(key.day)}`);
  }

  lease(name: string): DocumentReference {
    return this.all('leases').doc(documentId(name));
  }

  backfill(id: string): DocumentReference {
    return this.all('backfills').doc(documentId(id));
  }

  controls(): DocumentReference {
    return this.all('controls').doc('pipeline');
  }

  remembered(season: string, part: number): DocumentReference {
    return this.all('remembered').doc(`${documentId(season)}~${part}`);
  }

  untold(id: string): DocumentReference {
    return this.all('untold').doc(documentId(id));
  }

  trace(runId: string, part: number): DocumentReference {
    return this.all('traces').doc(`${documentId(runId)}~${part}`);
  }
}
