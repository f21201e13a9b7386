import { MemoryWarehouse } from '../../shared/embedded/memory-warehouse.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import { warehouseContract, type WarehouseUnderTest } from '../contract/warehouse.ts';

function open(pipeline: Pipeline): Promise<WarehouseUnderTest> {
  const warehouse = new MemoryWarehouse(pipeline);
  return Promise.resolve({
    warehouse,
    outside: async (processor, day, rows) => warehouse.outside(processor, day, rows),
    reopen: open,
    dispose: () => warehouse.close(),
  });
}

warehouseContract('MemoryWarehouse', open, { sql: 'it holds rows in maps and has no query engine', durable: 'it is gone with its process' });
