import type { Engine } from '../../shared/flows/engine.ts';
import type { ListListeners } from '../../shared/pipeline/listeners.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import type { MessageBus } from '../../shared/ports/message-bus.ts';
import type { RequestStore } from '../../shared/ports/request-store.ts';
import type { RunHistory } from '../../shared/ports/run-history.ts';
import type { Warehouse } from '../../shared/ports/warehouse.ts';
import type { EmbeddedRuntime } from './embedded.ts';
import type { GoogleCliRuntime } from './google.ts';
import type { RuntimeTopics } from './runtime-topics.ts';

export const runtimeNames = ['embedded', 'google'] as const;
export type RuntimeName = (typeof runtimeNames)[number];

/** What the commands need of either runtime. */
export interface CommonRuntime {
  readonly kind: RuntimeName;
  readonly pipeline: Pipeline;
  readonly engine: Engine;
  readonly store: RequestStore;
  readonly warehouse: Warehouse;
  readonly history: RunHistory;
  readonly bus: MessageBus;
  readonly topics: RuntimeTopics;
  /** Who listens to a topic. */
  readonly listeners: ListListeners;
  /** What lies on the dead-letter topic; null where reading it would take it from whoever looks after it. */
  readonly deadLetters: DeadLetters | null;
  /** Messages that subscriptions still owe; null where only the service's own metrics tell. */
  backlog(): readonly { readonly subscription: string; readonly messages: number }[] | null;
  /** Delivers here what was published, and works it off; how much there was. Always 0 where functions do it. */
  deliver(signal: AbortSignal): Promise<number>;
  /** Has what is queued worked off: here, or by ringing for the functions. */
  workOff(signal: AbortSignal): Promise<void>;
  /** A person has started a staged backfill, or ordered something of it: the functions that advance it are rung. Where commands advance it themselves, they heard of it. */
  ringStages(backfillId: string): Promise<void>;
  /** At the end of a command that changes something: messages and history rows that it committed go out, where nobody else sends them soon. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

export interface DeadLetter {
  readonly messageId: string;
  /** The id under which it was published first. */
  readonly sourceMessageId: string;
  readonly reason: string;
  readonly body: string;
}

export interface DeadLetters {
  /** Oldest first. */
  list(limit: number): readonly DeadLetter[];
  drop(messageIds: readonly string[]): void;
}

/** Either runtime, open; `kind` tells which. */
export type Runtime = EmbeddedRuntime | GoogleCliRuntime;
