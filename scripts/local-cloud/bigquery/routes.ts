import { notModelled } from './api-error.ts';
import type { ApiAnswer, ApiRequest } from './http.ts';
import type { JobRoutes } from './job-routes.ts';
import type { TableRoutes } from './table-routes.ts';

/** Which part of the API a request asks for. What is not here answers 501 by its name. */

type Handler = (request: ApiRequest) => ApiAnswer | Promise<ApiAnswer>;

export class Routes {
  readonly #handlers: ReadonlyMap<string, Handler>;

  constructor(jobs: JobRoutes, tables: TableRoutes) {
    this.#handlers = new Map<string, Handler>([
      ['GET datasets', () => tables.listDatasets()],
      ['POST datasets', (request) => tables.createDataset(request)],
      ['GET datasets/*', (request) => tables.getDataset(request)],
      ['DELETE datasets/*', (request) => tables.deleteDataset(request)],
      ['GET datasets/*/tables', (request) => tables.listTables(request)],
      ['POST datasets/*/tables', (request) => tables.createTable(request)],
      ['GET datasets/*/tables/*', (request) => tables.getTable(request)],
      ['PATCH datasets/*/tables/*', (request) => tables.patchTable(request)],
      ['DELETE datasets/*/tables/*', (request) => tables.deleteTable(request)],
      ['GET datasets/*/tables/*/data', (request) => tables.rows(request)],
      ['POST datasets/*/tables/*/insertAll', (request) => tables.insertAll(request)],
      ['GET jobs', (request) => jobs.list(request)],
      ['POST jobs', (request) => jobs.insert(request)],
      ['GET jobs/*', (request) => jobs.get(request)],
      ['POST jobs/*/cancel', (request) => jobs.cancel(request)],
      ['POST queries', (request) => jobs.query(request)],
      ['GET queries/*', (request) => jobs.results(request)],
    ]);
  }

  /** Throws 501 for what is not modelled. */
  answer(request: ApiRequest): ApiAnswer | Promise<ApiAnswer> {
    // Every second part of a path is a name: datasets/{dataset}/tables/{table}/data.
    const pattern = request.path.map((part, index) => (index % 2 === 1 ? '*' : part)).join('/');
    const handler = this.#handlers.get(`${request.method} ${pattern}`);
    if (!handler) throw notModelled(`${request.method} ${request.path.join('/')}`);
    return handler(request);
  }
}
