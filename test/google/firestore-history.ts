import type { HistoryOutbox } from '../../shared/google/firestore-outbox.ts';
import type { HistoryRow, RequestChangeRow, RunHistory } from '../../shared/ports/run-history.ts';

/** The run history of tests of the store: what waits in its outbox, before it is drained. */
export class PendingHistory implements RunHistory {
  readonly #outbox: HistoryOutbox;

  constructor(outbox: HistoryOutbox) {
    this.#outbox = outbox;
  }

  async runs(filter: Parameters<RunHistory['runs']>[0]): Promise<readonly HistoryRow[]> {
    const rows = (await this.#outbox.pendingRows(1000)).flatMap(({ history }) => history);
    return newest(rows, filter, ({ data_date }) => data_date);
  }

  async changes(filter: Parameters<RunHistory['changes']>[0]): Promise<readonly RequestChangeRow[]> {
    const rows = (await this.#outbox.pendingRows(1000)).flatMap(({ changes }) => changes);
    return newest(rows, filter, ({ game_date }) => game_date);
  }
}

function newest<T extends { readonly processor_name: string }>(rows: readonly T[], filter: Parameters<RunHistory['runs']>[0], dateOf: (row: T) => string): T[] {
  const { processor, from = '', to = '9', limit } = filter;
  return rows.filter((row) => (processor ?? row.processor_name) === row.processor_name && dateOf(row) >= from && dateOf(row) <= to).reverse().slice(0, limit);
}
