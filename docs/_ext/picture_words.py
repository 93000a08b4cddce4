"""The words in pictures, in the language of the page that shows them.

`translate` goes through the texts of a figure just before it is saved. A ``{}`` stands for any number or name, and
keeps its place in the order unless the translation numbers it. Pages that are not translated keep the words of their
pictures.
"""

from __future__ import annotations

import re
from functools import cache

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text
from sphinx.util import logging

logger = logging.getLogger(__name__)

# Fonts with Chinese characters, the first that is installed; without one, words stay English.
FONTS = ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Noto Sans CJK JP", "WenQuanYi Micro Hei",
         "WenQuanYi Zen Hei", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "SimHei")
# What stays as it is: names of methods, activation functions and schedules, functions, code.
NAMES = ("SGD", "Momentum", "AdaGrad", "Adam", "sgd", "momentum", "adagrad", "adam", "sigmoid", "step", "tanh", "relu",
         "Xavier", "dz / da", "dL / dW", "dL / d{}", "one-cycle", "Cosine({}", "dropout", "dropout {}", "f(x)")
CHINESE = {
    # Axes and colour bars.
    "iteration": "迭代",
    "epoch": "轮",
    "loss (nats)": "损失（奈特）",
    "loss (nats), mean of {} iterations": "损失（奈特），{} 次迭代的平均",
    "validation loss (nats)": "验证损失（奈特）",
    "loss of a mini-batch (nats)": "小批量的损失（奈特）",
    "accuracy": "准确率",
    "accuracy on validation data (%)": "验证数据上的准确率（%）",
    "learning rate": "学习率",
    "factor on the learning rate": "学习率的系数",
    "weight decay λ": "权重衰减 λ",
    "weight": "权重",
    "weights": "权重",
    "standard deviation": "标准差",
    "activation": "激活值",
    "pre-activation a": "预激活值 a",
    "predicted": "预测",
    "label": "标签",
    "length of the gradient": "梯度的长度",
    "probability of the true class": "真实类别的概率",
    "change of one weight": "一个权重的变化",
    "error": "误差",
    "along the full gradient": "沿完整梯度的方向",
    "across it": "与它垂直的方向",
    "first switch": "第一个开关",
    "second switch": "第二个开关",
    # Titles.
    "Loss": "损失",
    "Accuracy": "准确率",
    "Loss on validation data": "验证数据上的损失",
    "Activation": "激活函数",
    "Derivative": "导数",
    "Learning rate": "学习率",
    "Gradient descent": "梯度下降",
    "Four optimizers in one valley": "同一个山谷里的四种优化器",
    "Negative gradient of f": "f 的负梯度",
    "Surface of f": "f 的曲面",
    "A function and its tangent": "函数与切线",
    "Thirty random trials": "三十次随机尝试",
    "Weights of {} hidden units": "{} 个隐藏单元的权重",
    "Weights of hidden units": "隐藏单元的权重",
    "Digits": "数字",
    "Gradients of mini-batches of {}": "大小为 {} 的小批量的梯度",
    "Confusion matrix: {} % of {} right": "混淆矩阵：{1} 个中 {0} % 正确",
    "{} of {} misread: label → prediction (probability)": "{1} 个中读错 {0} 个：标签 → 预测（概率）",
    "{} images": "{} 个图像",
    "accuracy: flat, with jumps": "准确率：平坦，有跳跃",
    "loss: a slope everywhere": "损失：处处有斜率",
    "without weight decay": "没有权重衰减",
    "layer {}\nstd {}": "第 {} 层\n标准差 {}",
    "After {} iterations": "{} 次迭代之后",
    "after {} steps": "{} 步之后",
    # Legends and what is written beside lines.
    "each mini-batch": "每个小批量",
    "mean of {} iterations": "{} 次迭代的平均",
    "training": "训练",
    "validation": "验证",
    "train: {} %": "训练：{} %",
    "training: {} %": "训练：{} %",
    "validation: {} %": "验证：{} %",
    "never seen: {} %": "没见过的：{} %",
    "learning rate {}: f = {} after {} steps": "学习率 {}：{2} 步后 f = {1}",
    "{}: f = {} after {} steps": "{}：{2} 步后 f = {1}",
    "learning rate {}: diverges": "学习率 {}：发散",
    "learning rate {}": "学习率 {}",
    "rate {}": "学习率 {}",
    "weights: {}": "权重：{}",
    "{} % are 0": "{} % 为 0",
    "nothing": "什么都不加",
    "weight decay {}": "权重衰减 {}",
    "all {}": "全部 {}",
    "a mini-batch's": "一个小批量的",
    "the full gradient": "完整的梯度",
    "mean so far": "到目前为止的平均",
    "forward": "前向",
    "central": "中心",
    "tangent at x = {}, slope {}": "x = {} 处的切线，斜率 {}",
    # What goes wrong with a table.
    "standardised": "标准化的",
    "raw": "原始的",
    "alive": "活的",
    "all units dead": "单元全死了",
    "validation with copies: {} %": "混有副本的验证数据：{} %",
    "new rows: {} %": "新的行：{} %",
    "four columns": "四列",
    "and the rain gauge": "再加雨量计",
    "{} hidden units": "{} 个隐藏单元",
    "{} hidden unit": "{} 个隐藏单元",
    "accuracy: {} %": "准确率：{} %",
    "storms found: {} %": "找到的暴风：{} %",
    "random": "随机的",
    "constant": "全部相同",
    "shuffled": "打乱的",
    "sorted by label": "按标签排序的",
    # Thumbnails of examples.
    "by backpropagation": "反向传播得到的",
    "by central differences": "中心差分得到的",
    "derivative": "导数",
    "input": "输入",
    "output": "输出",
    "Accuracy on digits held out": "留出的数字上的准确率",
    "Hidden activations": "隐藏层的激活值",
    "Output probabilities": "输出的概率",
    "Gradient of {}": "{} 的梯度",
    "activation z": "激活值 z",
    "probability y": "概率 y",
    "loss": "损失",
    "score of the true class": "真实类别的得分",
    "slope of the loss": "损失的斜率",
    "{} images of {}": "{1} 个图像中的 {0} 个",
    "seconds of training": "训练的秒数",
    "test error, %": "测试误差，%",
    "Predicted prices": "预测的价格",
    "price in thousands": "价格（千）",
    "prediction in thousands": "预测（千）",
    "Errors": "误差",
    "error, %": "误差，%",
    "age in years": "车龄（年）",
    "photograph": "照片",
    "{} by {} pixels": "{} × {} 像素",
    "digit": "数字",
    "probability": "概率",
    "Bands that follow the scatter": "跟随离散程度的区间",
    "hour of the day": "一天中的时刻",
    "load in megawatts": "负荷（兆瓦）",
    "Precision and recall at every threshold": "每个阈值下的精确率和召回率",
    "threshold {}": "阈值 {}",
    "precision": "精确率",
    "recall": "召回率",
    "Which columns matter": "哪些列重要",
    "accuracy lost by shuffling, %": "打乱后损失的准确率，%",
    "Texts assigned to the right module": "归到正确模块的文本",
    "share of test texts, %": "测试文本的比例，%",
}
LANGUAGES = {"zh_CN": CHINESE}


@cache
def font(language: str) -> str | None:
    """A font that has the language's characters."""
    installed = set(font_manager.get_font_names())
    return next((name for name in FONTS if name in installed), None) if language in LANGUAGES else None


def language_of(page: str, language: str) -> str:
    """The language of a page's pictures: English if the page's text is not translated, or no font has the letters."""
    translated = page in ("index", "your-own-table") or page.startswith("chapter/")
    return language if translated and font(language) else "en"


def in_language(text: str, language: str) -> str | None:
    """A text in a language; itself where it has no words, None if it is not known."""
    words = LANGUAGES[language]
    # Formulas, numbers and single letters are the same everywhere, and so is what is in the language already.
    if not re.search(r"[A-Za-z]{2,}", re.sub(r"\$[^$]*\$", "", text)) or re.search(r"[\u4e00-\u9fff]", text):
        return text
    if text in words:
        return words[text]
    for template, translation in words.items():
        found = "{}" in template and re.fullmatch(re.escape(template).replace(r"\{\}", r"(\S+)"), text)
        if found:
            return filled(translation, found.groups())
    known = any(re.fullmatch(re.escape(name).replace(r"\{\}", ".+"), text) for name in NAMES if "{}" in name)
    return text if known or text.strip() in NAMES else None


def filled(translation: str, values: tuple[str, ...]) -> str:
    """A translation with its values; those without a number come in order, and leave out those that are numbered."""
    numbered = {int(number) for number in re.findall(r"\{(\d)\}", translation)}
    left = iter([value for index, value in enumerate(values) if index not in numbered])
    return re.sub(r"\{(\d?)\}", lambda place: values[int(place[1])] if place[1] else next(left), translation)


def translate(figure: Figure, language: str, where: str, complete: bool = True) -> None:
    """Put a figure's words into a language; unless the figure has to be complete, others stay as they are."""
    name = font(language)
    if name is None:
        return
    figure.draw_without_rendering()  # ticks have their labels only then
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        old = text.get_text()
        new = in_language(old, language)
        if new is None and complete:
            logger.warning("%s: not among the words in pictures: %r", where, old)
        elif new is not None and new != old:
            text.set_text(new)
            text.set_fontfamily(["DejaVu Sans", name])
