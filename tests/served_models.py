"""Makes two tiny models below a folder and serves both with `transformers serve`: python tests/served_models.py FOLDER

`random` is one whose weights nobody trained; the weights of `parrot` write TEXT, whatever they are asked, and end.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

from model_faults import TEXT

SIZE = 7  # characters that a token of the parrot has; no two are the same
SHARES = {"num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "max_position_embeddings": 32_768}
TEMPLATE = "{% for one in messages %}{{ one.role }}: {{ one.content }}\n{% endfor %}<answer>"


def make(folder: Path) -> None:
    import torch  # noqa: PLC0415
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers  # noqa: PLC0415
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast  # noqa: PLC0415

    letters = {letter: number for number, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    bytewise = Tokenizer(models.BPE(letters, []))
    bytewise.pre_tokenizer, bytewise.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    pieces = ["<answer>", *(TEXT[at : at + SIZE] for at in range(0, len(TEXT), SIZE)), "</s>"]
    bytewise.add_tokens([AddedToken(piece, normalized=False) for piece in pieces])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bytewise, eos_token="</s>", chat_template=TEMPLATE)
    torch.manual_seed(7)
    config = LlamaConfig(vocab_size=len(tokenizer), hidden_size=len(tokenizer), head_dim=8, eos_token_id=len(tokenizer) - 1, **SHARES)
    model = LlamaForCausalLM(config)
    model.save_pretrained(folder / "random")
    say(model, tokenizer.convert_tokens_to_ids(pieces))
    model.save_pretrained(folder / "parrot")
    for name in ("random", "parrot"):
        tokenizer.save_pretrained(folder / name)


def say(model, ids: list[int]) -> None:  # type: ignore[no-untyped-def]
    """Each token is a direction of its own, which nothing on the way changes and which speaks for the next one."""
    import torch  # noqa: PLC0415

    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        model.model.embed_tokens.weight.copy_(torch.eye(len(model.model.embed_tokens.weight)))
        model.lm_head.weight.zero_()
        for one, following in pairwise(ids):
            model.lm_head.weight[following, one] = 1


if __name__ == "__main__":
    from transformers.cli.transformers import main

    make(Path(sys.argv[1]))
    sys.argv[1:] = ["serve", "--host", "127.0.0.1", "--port", "0", "--device", "cpu"]
    main()
