export { canonicalHistories } from './canonical-histories.ts';
