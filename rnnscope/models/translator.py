"""A translator: it reads a text to its end, and only then writes another, character by character."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from rnnscope.errors import ModelError, TextError
from rnnscope.text import Vocabulary

from .decoding import END, START, START_ID, RecurrentState, decode, with_marks
from .network import Network
from .stack import StackConfig, demand, recurrent_stack

ATTENTIONS = ("none", "dot", "bilinear")

_TOGETHER = 256  # texts that are translated side by side


@dataclass(frozen=True)
class TranslatorConfig(StackConfig):
    """The shape of a `Translator`.

    The stack is that of the encoder and of the decoder; only the encoder is ever bidirectional.

    Attributes
    ----------
    embedding_size : int
        Size of a character's vector, in the source and in the target.
    attention : {"none", "dot", "bilinear"}
        How the decoder looks back at the encoder, see `Attention`; with none, all that it knows of the
        source is the encoder's last state.
    """

    embedding_size: int = 64
    attention: str = "bilinear"

    def __post_init__(self) -> None:
        super().__post_init__()
        demand(self.embedding_size > 0, "an embedding_size of at least 1", self.embedding_size)
        demand(self.attention in ATTENTIONS, f"an attention out of {', '.join(ATTENTIONS)}", self.attention)
        if self.bidirectional:
            demand(self.attention != "dot", "the attention bilinear or none to have a bidirectional encoder", "dot")


class Bridge(nn.Module):
    """From the last states of an encoder of two directions to the first states of a decoder of one.

    A linear map each for h and c, of all layers together; through tanh for h, which is bounded.
    """

    def __init__(self, config: TranslatorConfig) -> None:
        super().__init__()
        size, parts = config.layers * config.hidden_size, 2 if config.cell == "lstm" else 1
        self.layers = config.layers
        self.maps = nn.ModuleList(nn.Linear(2 * size, size) for _ in range(parts))

    def forward(self, state: RecurrentState) -> RecurrentState:
        """States of shape (layer, batch, unit), from those of shape (layer and direction, batch, unit)."""
        parts = state if isinstance(state, tuple) else (state,)
        h, *rest = (self._merge(linear, part) for linear, part in zip(self.maps, parts, strict=True))
        return (torch.tanh(h), *rest) if rest else torch.tanh(h)

    def _merge(self, linear: nn.Module, part: Tensor) -> Tensor:
        merged = linear(part.transpose(0, 1).flatten(1))
        return merged.unflatten(1, (self.layers, -1)).transpose(0, 1).contiguous()


class Attention(nn.Module):
    """Global attention of Luong, Pham and Manning (2015), section 3.1.

    The score of a source step s for a target step t is h_t . m_s (dot) or h_t . W m_s (bilinear, "general"
    in the paper), with h_t of the decoder and m_s of the encoder. The weights are the softmax of the scores
    over s. The attended state is tanh(W_c [context; h_t]), where the context is the weighted sum of m_s. It is
    not fed back into the decoder, so that all target steps are computed at once.

    Parameters
    ----------
    kind : {"dot", "bilinear"}
    hidden_size : int
        Units of the decoder.
    memory_size : int
        What the encoder gives at a step.
    """

    def __init__(self, kind: str, hidden_size: int, memory_size: int) -> None:
        super().__init__()
        self.key = nn.Linear(memory_size, hidden_size, bias=False) if kind == "bilinear" else nn.Identity()
        self.combine = nn.Linear(memory_size + hidden_size, hidden_size, bias=False)

    def forward(self, hidden: Tensor, memory: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """The attended states and the weights.

        Parameters
        ----------
        hidden : tensor of shape (target time, batch, unit)
        memory : tensor of shape (source time, batch, unit)
        present : bool tensor of shape (source time, batch)
            False at padding, which has no weight.

        Returns
        -------
        attended : tensor of shape (target time, batch, unit)
        weights : tensor of shape (batch, target time, source time), each row adding up to 1
        """
        scores = hidden.transpose(0, 1) @ self.key(memory).permute(1, 2, 0)
        weights = scores.masked_fill(~present.T[:, None], -torch.inf).softmax(dim=2)
        context = (weights @ memory.transpose(0, 1)).transpose(0, 1)
        return torch.tanh(self.combine(torch.cat([context, hidden], dim=2))), weights


class Translator(Network):
    """An encoder that reads the source, a decoder that writes the target from the encoder's last state.

    Parameters
    ----------
    config : TranslatorConfig
    source, target : Vocabulary
        To the target's are added, as ids 1 and 2, the marks that the decoder is given before the first
        character, and that it writes after the last: see `rnnscope.models.decoding.with_marks`.

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("german-translator"))
    >>> model.translate(["I am tired."])
    ['Ich bin müde.']
    """

    task = "translator"
    config_type = TranslatorConfig
    config: TranslatorConfig

    def __init__(self, config: TranslatorConfig, source: Vocabulary, target: Vocabulary) -> None:
        super().__init__()
        self.config = config
        self.source = source
        self.target = with_marks(target)
        hidden, memory = config.hidden_size, config.output_size
        self.source_embedding = nn.Embedding(len(self.source), config.embedding_size)
        self.encoder = recurrent_stack(config, config.embedding_size)
        self.bridge = Bridge(config) if config.bidirectional else nn.Identity()
        self.target_embedding = nn.Embedding(len(self.target), config.embedding_size)
        self.decoder = recurrent_stack(replace(config, bidirectional=False), config.embedding_size)
        self.attention = None if config.attention == "none" else Attention(config.attention, hidden, memory)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(hidden, len(self.target))

    @classmethod
    def build(cls, config: TranslatorConfig, vocabularies: Mapping[str, Sequence[str]]) -> Self:
        return cls(config, Vocabulary(vocabularies["source characters"]), Vocabulary(vocabularies["target characters"]))

    @property
    def vocabularies(self) -> dict[str, tuple[str, ...]]:
        return {"source characters": self.source.characters[1:], "target characters": self.target.characters[3:]}

    @property
    def architecture(self) -> str:
        config = self.config
        decoder = replace(config, bidirectional=False).words
        both = f"encoder of {config.words}, decoder of {decoder}"
        coders = both if config.bidirectional else f"encoder and decoder of {decoder} each"
        attention = "no attention" if config.attention == "none" else f"{config.attention} attention"
        return f"{coders}, {attention}, embeddings of {config.embedding_size}"

    def forward(self, source: Tensor, source_lengths: Tensor, target: Tensor) -> Tensor:
        """Logits for the character that follows each of the target, which is given (teacher forcing).

        Parameters
        ----------
        source : int64 tensor of shape (source time, batch)
            Padded with anything.
        source_lengths : int64 tensor of shape (batch,)
            True lengths, at least 1.
        target : int64 tensor of shape (target time, batch)
            Beginning with `START_ID`.

        Returns
        -------
        tensor of shape (target time, batch, token)
        """
        memory, present, state = self._read(source, source_lengths)
        hidden, _ = self.decoder(self.target_embedding(target), state)
        return self._logits(hidden, memory, present)

    @torch.no_grad()
    def translate(self, texts: Sequence[str], beam: int = 1, longest: int = 200) -> list[str]:
        """Translate texts, by beam search or greedily.

        Parameters
        ----------
        texts : sequence of str, each of at least one character
        beam : int
            Translations of a text that are kept at each step; 1 is greedy decoding.
        longest : int
            Characters of a translation at most, and one for its end.

        Raises
        ------
        TextError
            If a text is empty, or these are no texts.
        ModelError
            If ``beam`` or ``longest`` is less than one.
        """
        if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
            raise TextError("A translator is given a list of texts, such as [text].")
        translations = [""] * len(texts)
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        for start in range(0, len(order), _TOGETHER):
            places = order[start : start + _TOGETHER]
            for place, tokens in zip(places, self._write([texts[p] for p in places], beam, longest), strict=True):
                translations[place] = self.target.decode(tokens)
        return translations

    @torch.no_grad()
    def alignment(self, source: str, target: str) -> Tensor:
        """The attention weights with which a target is written.

        Parameters
        ----------
        source : str
        target : str
            Of at least one character each.

        Returns
        -------
        tensor of shape (target time, source time)
            In each row, over the characters of the source, the weights at the step that writes a character
            of the target; they add up to 1.

        Raises
        ------
        ModelError
            If the network has no attention.
        TextError
            If a text is empty.
        """
        if self.attention is None:
            raise ModelError(
                "This network has no attention, so it aligns nothing. Train one with model.attention dot or bilinear."
            )
        if not target:
            raise TextError(
                "A text is aligned with a translation of at least one character, but an empty one was given."
            )
        memory, present, state = self._read(*source_tokens([source], self.source))
        given, _ = target_tokens([target], self.target)
        hidden, _ = self.decoder(self.target_embedding(given[: len(target)].to(self.device)), state)
        _, weights = self.attention(hidden, memory, present)
        return weights[0]

    def _read(self, source: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, RecurrentState]:
        """What the encoder gives at each step, where there is a step at all, and the decoder's first state."""
        source = source.to(self.device)
        packed = pack_padded_sequence(self.source_embedding(source), lengths.cpu(), enforce_sorted=False)
        outputs, state = self.encoder(packed)
        memory, _ = pad_packed_sequence(outputs, total_length=len(source))
        present = torch.arange(len(source), device=self.device)[:, None] < lengths.to(self.device)
        return memory, present, self.bridge(state)

    def _logits(self, hidden: Tensor, memory: Tensor, present: Tensor) -> Tensor:
        if self.attention is not None:
            hidden, _ = self.attention(hidden, memory, present)
        return self.head(self.dropout(hidden))

    def _write(self, texts: Sequence[str], beam: int, longest: int) -> list[list[int]]:
        memory, present, state = self._read(*source_tokens(texts, self.source))

        def step(tokens: Tensor, state: RecurrentState) -> tuple[Tensor, RecurrentState]:
            hidden, state = self.decoder(self.target_embedding(tokens)[None], state)
            beams = hidden.view(len(texts), beam, -1).transpose(0, 1)  # they stand where time does
            logits = self._logits(beams, memory, present).transpose(0, 1).flatten(0, 1).float()
            logits[:, [0, START_ID]] = -torch.inf  # what stands for no character
            return logits.log_softmax(dim=1), state

        return decode(step, state, longest=longest, beam=beam)


def source_tokens(texts: Sequence[str], vocabulary: Vocabulary) -> tuple[Tensor, Tensor]:
    """Texts as a `Translator` reads them: tokens of shape (time, batch), and their lengths.

    Raises
    ------
    TextError
        If a text is empty.
    """
    if not texts or not all(texts):
        raise TextError("A translator reads texts of at least one character, but was given an empty one, or none.")
    tokens = [torch.from_numpy(vocabulary.encode(text)) for text in texts]
    return pad_sequence(tokens), torch.tensor([len(text) for text in texts])


def target_tokens(texts: Sequence[str], vocabulary: Vocabulary) -> tuple[Tensor, Tensor]:
    """Texts as a `Translator` is given them, after `START`, and as it is to write them, with `END`.

    Both are of shape (time, batch). What is to be written is -100 after the end, which PyTorch's cross-entropy
    passes over.
    """
    tokens = [torch.from_numpy(vocabulary.encode(f"{START}{text}{END}")) for text in texts]
    given = pad_sequence([text[:-1] for text in tokens])
    return given, pad_sequence([text[1:] for text in tokens], padding_value=-100)
