"""The steps of the methods, from their definitions, on f = ½xᵀPx + xᵀAy − ½yᵀQy; nothing comes from the theory.

`matrix_of` makes the matrix of a step by applying it to unit vectors of its whole state (profile and memory).
"""

import numpy as np
from numpy.linalg import solve


class Game:
    """The linear field and its products."""

    def __init__(self, p, a, q):
        self.p, self.a, self.q = (np.asarray(m, dtype=float) for m in (p, a, q))
        self.m, self.n = self.a.shape
        self.size = self.m + self.n
        self.jacobian = np.block([[self.p, self.a], [-self.a.T, self.q]])
        self.off = np.block([[0 * self.p, self.a], [-self.a.T, 0 * self.q]])

    def fx(self, x, y):
        return self.p @ x + self.a @ y

    def fy(self, x, y):
        return self.a.T @ x - self.q @ y

    def gy(self, x, y):
        return -self.fy(x, y)

    def v(self, w):
        return self.jacobian @ w

    def split(self, w):
        return w[: self.m], w[self.m :]

    def scale(self, pair):
        pair = np.broadcast_to(pair, 2)
        return np.repeat(pair, (self.m, self.n))

    def parameters(self):
        return {"p": self.p.tolist(), "matrix": self.a.tolist(), "q": self.q.tolist()}


def matrix_of(step, game, copies=1):
    """The matrix of a step whose state is ``copies`` vectors of the profile's size."""
    size = game.size * copies
    return np.column_stack([step(unit) for unit in np.eye(size)])


def simultaneous(game, step):
    return lambda w: w - game.scale(step) * game.v(w)


def alternating(game, step, schedule=(0, 1)):
    def move(w):
        x, y = game.split(w)
        for player in schedule:
            if player == 0:
                x = x - np.broadcast_to(step, 2)[0] * game.fx(x, y)
            else:
                y = y - np.broadcast_to(step, 2)[1] * game.gy(x, y)
        return np.concatenate([x, y])

    return move


def heavy_ball(game, step, momentum):
    def move(state):
        w, last = np.split(state, 2)
        return np.concatenate([w - game.scale(step) * game.v(w) + game.scale(momentum) * (w - last), w])

    return move


def alternating_heavy_ball(game, step, momentum):
    (eta_x, eta_y), (beta_x, beta_y) = np.broadcast_to(step, 2), np.broadcast_to(momentum, 2)

    def move(state):
        w, last = np.split(state, 2)
        (x, y), (x0, y0) = game.split(w), game.split(last)
        x1 = x - eta_x * game.fx(x, y) + beta_x * (x - x0)
        y1 = y - eta_y * game.gy(x1, y) + beta_y * (y - y0)
        return np.concatenate([x1, y1, w])

    return move


def nesterov(game, step, momentum):
    def move(state):
        w, last = np.split(state, 2)
        ahead = w + momentum * (w - last)
        return np.concatenate([ahead - game.scale(step) * game.v(ahead), w])

    return move


def extragradient(game, step, extrapolation_step=None):
    ahead = step if extrapolation_step is None else extrapolation_step
    return lambda w: w - game.scale(step) * game.v(w - game.scale(ahead) * game.v(w))


def past_extragradient(game, step):
    def move(state):
        w, past = np.split(state, 2)
        past = game.v(w - game.scale(step) * past)
        return np.concatenate([w - game.scale(step) * past, past])

    return move


def optimistic(game, step, optimism=1.0):
    def move(state):
        w, past = np.split(state, 2)
        now = game.v(w)
        return np.concatenate([w - game.scale(step) * ((1 + optimism) * now - optimism * past), now])

    return move


def proximal(game, step):
    return lambda w: solve(np.eye(game.size) + game.scale(step)[:, None] * game.jacobian, w)


def complex_momentum(game, step, modulus, argument):
    beta = modulus * np.exp(1j * argument)

    def move(state):
        w, real, imaginary = np.split(state, 3)
        velocity = beta * (real + 1j * imaginary) - game.v(w)
        return np.concatenate([w + game.scale(step) * velocity.real, velocity.real, velocity.imag])

    return move


def consensus(game, step, gamma):
    return lambda w: w - game.scale(step) * (game.v(w) + gamma * game.jacobian.T @ game.v(w))


def symplectic(game, step, gamma):
    turn = (game.jacobian - game.jacobian.T) / 2
    return lambda w: w - game.scale(step) * (game.v(w) + gamma * turn.T @ game.v(w))


def jare(game, step, gamma):
    def move(w):
        x, y = game.split(w)
        # ∇ₓ½‖g_y‖² = g_yxᵀ g_y with g_yx = −Aᵀ, and ∇_y½‖f_x‖² = f_xyᵀ f_x with f_xy = A
        cross = np.concatenate([-game.a @ game.gy(x, y), game.a.T @ game.fx(x, y)])
        return w - game.scale(step) * (game.v(w) + gamma * cross)

    return move


def lookahead(game, step, gamma):
    return lambda w: w - game.scale(step) * (game.v(w) - gamma * game.off @ game.v(w))


def stable_opponent(game, step, gamma, p):
    def move(w):
        x, y = game.split(w)
        # χ_x = (∇_yx g)ᵀ∇_y f, χ_y = (∇_xy f)ᵀ∇_x g, with g = −f
        chi = np.concatenate([-game.a @ game.fy(x, y), game.a.T @ -game.fx(x, y)])
        return w - game.scale(step) * (game.v(w) - gamma * game.off @ game.v(w) - p * gamma * chi)

    return move


def hamiltonian(game, step):
    return lambda w: w - game.scale(step) * (game.jacobian.T @ game.v(w))


def gradient_norm(game, step, gamma):
    def move(w):
        x, y = game.split(w)
        field = np.concatenate([game.fx(x, y) - 2 * gamma * game.a @ game.gy(x, y), game.gy(x, y)])
        return w - game.scale(step) * field

    return move


def surgery(game, step, gamma):
    j = game.jacobian
    inner = j.T @ solve(j.T @ j + gamma * np.eye(game.size), j.T)
    return lambda w: w - game.scale(step) * (game.v(w) + inner @ game.v(w)) / 2


def competitive(game, step):
    scale = game.scale(step)
    return lambda w: w - solve(np.eye(game.size) + scale[:, None] * game.off, scale * game.v(w))


def linearised_competitive(game, step):
    scale = game.scale(step)
    return lambda w: w - scale * (game.v(w) - game.off @ (scale * game.v(w)))


def follow_the_ridge(game, step, momentum=0.0):
    eta_x, eta_y = np.broadcast_to(step, 2)

    def move(state):
        w, last = np.split(state, 2)
        x, y = game.split(w)
        fx, fy = game.fx(x, y), game.fy(x, y)
        # f_yy = −Q, f_yx = Aᵀ
        moved = np.concatenate([x - eta_x * fx, y + eta_y * fy + eta_x * solve(-game.q, game.a.T @ fx)])
        return np.concatenate([moved + momentum * (w - last), w])

    return move


def total_gradient(game, step):
    eta_x, eta_y = np.broadcast_to(step, 2)

    def move(w):
        x, y = game.split(w)
        fx, fy = game.fx(x, y), game.fy(x, y)
        return np.concatenate([x - eta_x * (fx - game.a @ solve(-game.q, fy)), y - eta_y * game.gy(x, y)])

    return move


def newton_reply(game, step, complete=False):
    def move(w):
        x, y = game.split(w)
        fx = game.fx(x, y)
        x = x - (solve(game.p + game.a @ solve(game.q, game.a.T), fx) if complete else step * fx)
        return np.concatenate([x, y - solve(-game.q, game.fy(x, y))])

    return move


def unrolled(game, step, inner, count, alternate):
    eta_x, eta_y = np.broadcast_to(step, 2)

    def move(w):
        x, y = game.split(w)
        reply, slope = y, np.zeros((game.n, game.m))  # y^k and dy^k/dx
        for _ in range(count):
            reply = reply - inner * game.gy(x, reply)
            slope = slope - inner * (-game.a.T + game.q @ slope)
        moved = x - eta_x * (game.fx(x, reply) + slope.T @ game.fy(x, reply))
        return np.concatenate([moved, y - eta_y * game.gy(moved if alternate else x, y)])

    return move


def lookahead_minmax(base, count, alpha):
    def move(w):
        fast = w
        for _ in range(count):
            fast = base(fast)
        return w + alpha * (fast - w)

    return move
