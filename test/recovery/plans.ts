import { describeCell } from '../../shared/gaps/usable.ts';
import type { World } from '../../shared/gaps/world.ts';
import type { RecoveryPlan } from '../../shared/recovery/plan.ts';
import { CHAIN, complete, LEAGUE, makePipeline, makeWorld, planRequest, type PipelineSketch } from '../core-builders.ts';

export const chain = makePipeline(CHAIN);
export const league = makePipeline(LEAGUE);

export function completeChain(sketch: PipelineSketch = CHAIN): World {
  return complete(makeWorld(sketch === CHAIN ? chain : makePipeline(sketch), { now: '2024-02-10' }), '2024-01-31');
}

export const steps = (plan: RecoveryPlan): string[] => plan.steps.map((step) => `${step.action} ${describeCell(step).replace('2024-01-', '')}${step.isRootCause ? ' root' : ''}`);
export const leftOut = (plan: RecoveryPlan): string[] => plan.leftOut.map((one) => `${describeCell(one).replace('2024-01-', '')} ${one.code}`);
export const whole = planRequest('2024-01-01', '2024-01-31');
export const day = (of: number): string => `2024-01-${String(of).padStart(2, '0')}`;
