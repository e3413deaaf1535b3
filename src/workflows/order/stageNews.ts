import { condition, defineSignal, setHandler } from '@temporalio/workflow';
import { type StageMessage, type StageName, stageNames, stageSignalName } from './messages';

const stageSignal = defineSignal<[StageMessage]>(stageSignalName);

export interface Wait {
  for: readonly StageName[];
  /** The wait's deadline: no wait is without one. */
  until: Date;
  /** One line for the Web UI: what is awaited. */
  summary: string;
}

/** What the order's workflow has been told and not yet acted upon. */
export interface StageNews {
  has(stage: StageName): boolean;
  /** Takes news of interest that is there already. */
  take(stages: readonly StageName[]): StageName | undefined;
  /** Takes the first news of interest, or answers `time` when the deadline passes first. */
  next(wait: Wait): Promise<StageName | 'time'>;
}

/** Listens from before the first await, so that nothing told early is missed. Telling twice is telling once. */
export function listenForStages(): StageNews {
  const fresh = new Set<StageName>();
  for (const stage of stageNames) setHandler(defineSignal(stage), () => void fresh.add(stage));
  setHandler(stageSignal, ({ stage }) => void fresh.add(stage));

  const find = (stages: readonly StageName[]) => stages.find((stage) => fresh.has(stage));
  const take = (stages: readonly StageName[]) => {
    const heard = find(stages);
    if (heard !== undefined) fresh.delete(heard);
    return heard;
  };
  return {
    has: (stage) => fresh.has(stage),
    take,
    async next({ for: stages, until, summary }) {
      if (find(stages) === undefined) {
        const milliseconds = Math.max(1, until.getTime() - Date.now());
        await condition(() => find(stages) !== undefined, milliseconds, { summary });
      }
      return take(stages) ?? 'time';
    },
  };
}
