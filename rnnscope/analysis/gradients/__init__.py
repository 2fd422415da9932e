"""Back through time: how far a gradient reaches, and what one step does to the state.

Gradients of losses: `flow` measures their norms by lag, for many targets; `flow_result` and `decay` say and draw what
it finds, `flow_comparison` puts several networks side by side, and `flow_drawing` is what their pictures share.
`targets` chooses the steps. For PyTorch's cells `windows` reads the text once, and `walk` goes back by the equations of
`adjoint`, all targets together; everything else goes through `autograd`.

Jacobians of states: `jacobians` has their singular values by lag, `lyapunov` the growth rates of small differences,
`bound` what the weights of a vanilla RNN let through at most; `stretches` gives them text with its true states, and
`step` a step and its derivative.
"""
