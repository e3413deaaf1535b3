import { type Bench, BenchRefusal } from './support/bench';

export const waiting: Bench = {
  name: 'waiting',
  summary: 'holds 50,000 unpaid orders: memory of worker and server, and whether starting them slows down',
  run: () => Promise.reject(new BenchRefusal('soon')),
};
