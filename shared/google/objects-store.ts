export interface ObjectInfo {
  /** The whole name below the store's place: `player_boxscore/game_date=2023-11-15/player_boxscore.jsonl`. */
  readonly name: string;
  /** Another one after each write. Opaque: compared for equality only. */
  readonly version: string;
  readonly bytes: number;
  readonly updatedAtMs: number;
}

/** Landed files, wherever they lie: a folder or a bucket. An object is replaced as a whole; readers see the old or the new one. */
export interface ObjectStore {
  /** Every object whose name starts with `prefix` (text, not a folder; '' is all), by name. */
  list(prefix: string): Promise<readonly ObjectInfo[]>;
  /** Bytes and their own version; null where there is no such object. */
  read(name: string): Promise<{ readonly bytes: Uint8Array; readonly version: string } | null>;
  /**
   * `ifVersion`: null writes only where there is no such object, a version only over that very version, 'any' over
   * whatever is there. 'changed': the condition does not hold, nothing was written.
   */
  write(name: string, bytes: Uint8Array, ifVersion: string | null): Promise<{ readonly version: string } | 'changed'>;
  /** It is fine if it is not there. */
  remove(name: string): Promise<void>;
}
