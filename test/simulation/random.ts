/** Random choices that a seed gives again (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed * 2_654_435_761) >>> 0;
  }

  /** From 0 up to, not including, 1. */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number from 0 up to, not including, `choices`. */
  below(choices: number): number {
    return Math.floor(this.fraction() * choices);
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('received an empty list to pick from');
    return item;
  }
}

/**
 * The seeds of a seeded test: 1 to `count`, or the one that SEED names. SEEDS runs another number of them.
 */
export function seeds(count: number): readonly number[] {
  const { SEED: one, SEEDS: many } = process.env;
  if (one !== undefined) return [Number(one)];
  return Array.from({ length: many === undefined ? count : Number(many) }, (_, index) => index + 1);
}

/** Runs one seed; a failure names the command that replays it. */
export async function replayable(seed: number, grep: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    const told = error instanceof Error ? `${error.message}\n${error.stack ?? ''}` : String(error);
    throw new Error(`seed ${seed}: replay with SEED=${seed} npm test -- --grep ${grep}\n${told}`, { cause: error });
  }
}
