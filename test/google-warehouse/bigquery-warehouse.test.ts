import { warehouseContract } from '../contract/warehouse.ts';
import { openBigQuery } from './bigquery-under-test.ts';

warehouseContract('BigQueryWarehouse', (pipeline) => openBigQuery(pipeline), { sql: true, durable: true });
