import { warehouseContract } from '../contract/warehouse.ts';
import { openDuckDb } from './duckdb-under-test.ts';

warehouseContract('DuckDbWarehouse', (pipeline) => openDuckDb(pipeline), { sql: true, durable: true });
