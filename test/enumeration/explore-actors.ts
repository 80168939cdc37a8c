import { keyOfWorld, type Stage, stepsOfLeaf, type Turn, turnIn, type World } from './actors.ts';
import { type Choice, type Explored, explore } from './explore.ts';

/** Something that somebody outside may do. */
export type Deed<F> = Readonly<{ what: string; act: (turn: Turn<F>) => void }>;

type Actors<F> = Readonly<{
  stage: Stage<F>;
  start: World<F>;
  users: (world: World<F>) => readonly Deed<F>[];
  wrongWith: (world: World<F>) => string | null;
  isOver: (world: World<F>) => boolean;
}>;

/** Explores what actors may do: each event on its way may arrive, each leaf may do each of its steps, and users act. */
export function exploreActors<F extends object>({ stage, start, users, wrongWith, isOver }: Actors<F>): Explored {
  const after = (world: World<F>, act: (turn: Turn<F>) => void) => () => {
    const turn = turnIn(stage, world);
    act(turn);
    return turn.world();
  };
  return explore({
    start,
    keyOf: keyOfWorld,
    wrongWith,
    isOver,
    choices: (world) => [
      ...deliveries(world).map(
        ({ from, to, event }): Choice<World<F>> => ({
          what: `${event.type} reaches ${to} from ${from}`,
          next: after(world, (turn) => turn.take(from, to)),
        }),
      ),
      ...[...world.living].flatMap(([path, actor]) =>
        'leaf' in actor
          ? stepsOfLeaf(path, actor).map((step) => ({
              what: `${path} ${step.what}`,
              next: after(world, (turn) => turn.step(path, step)),
            }))
          : [],
      ),
      ...users(world).map(({ what, act }) => ({ what, next: after(world, act) })),
    ],
  });
}

/** The next event between each two. */
function deliveries<F>({ mail }: World<F>) {
  const ways = new Set<string>();
  return mail.filter(({ from, to }) => {
    const way = `${from}→${to}`;
    if (ways.has(way)) return false;
    ways.add(way);
    return true;
  });
}
