"""Who knows whom: for any name a hundred others, the same on every machine for ever.

The chapter's exercise walks from person to person. Its site is long gone from under most readers,
so this one makes the pages up, from the name alone: the acquaintances of NAME are the hundred
names whose SHA-256 together with NAME is lowest. Neither a clock nor a random generator has a say
(Python's own ``hash`` of a string differs from run to run, ``random`` may between versions).
"""

from __future__ import annotations

import hashlib
from itertools import pairwise

ACQUAINTANCES = 100

# The chapter's answer: from each of these, the link at position 18 leads to the next.
CHAIN = ("Samuel", "Skyler", "Kaidan", "Jo", "Sonni", "Seb", "Yakup", "Merina")
CHAIN_POSITION = 18

_NEXT_IN_CHAIN = dict(pairwise(CHAIN))

# Plain ASCII, because the chapter's Python 2 programs cannot print anything else to a pipe.
NAMES = tuple(
    """
    Aaliyah Aaron Abbie Abdul Abigail Adam Adele Adnan Agnes Ahmed Aida Aidan Ailsa Aisha Alan
    Alasdair Alba Albert Aldo Alec Alexa Alfie Ali Alice Alina Alison Alma Alyssa Amara Amber
    Amelia Amina Amir Amos Amy Ana Anders Andrea Angus Anika Anita Anna Anton Anya Aoife April
    Aran Aria Ariel Arjun Arlo Arran Arthur Arun Asha Astrid Aubrey Ava Axel Ayaan Ayla Bailey
    Beatriz Bella Ben Benita Berta Bianca Bilal Bjorn Blair Boris Brenda Bronwen Bruno Bryn
    Caitlin Caleb Callum Camille Cara Carlos Carmen Cathal Cecilia Chandra Chen Chiara Chloe
    Clara Clement Cody Colette Conor Cora Cosmo Dafydd Dalia Damian Daniela Daria Darius Dawid
    Deepa Della Denzel Diego Dilys Dina Dmitri Dora Duncan Edith Edwin Eilidh Elena Elias Elin
    Ella Elodie Elsa Emeka Emil Emre Enzo Erica Erin Esme Ester Ethan Eva Evie Ewan Fabio Faisal
    Farah Fatima Felix Fern Filip Finlay Fiona Flora Frances Freya Gabriel Gareth Gemma Georgi
    Gethin Gianni Gita Giulia Grace Greta Griffin Gustav Hadi Hamish Hana Hannah Harriet Harun
    Hazel Heidi Helga Henrik Hilda Hugo Iain Ibrahim Ida Idris Ilse Imran Ines Ingrid Iona Irina
    Iris Isaac Isla Ivan Ivy Jada Jakub Jamal Jana Jasmin Javier Jed Jelena Jemima Jenna Jo Joana
    Joel Jonas Jorge Josie Juan Judith Julian Juno Kacper Kai Kaidan Kamal Karim Karin Kasper
    Katya Keira Kenji Khadija Kira Kirsty Klara Kofi Lara Lars Laszlo Layla Leah Leila Leon Liam
    Lidia Lin Lola Lorcan Louisa Luca Lucia Ludwig Luis Lydia Mabel Maja Malik Manon Marco Maria
    Marlon Matteo Maya Mehmet Mei Merina Mia Mikael Milan Mina Miriam Mohammed Mona Morag Murdo
    Nadia Naomi Nasir Nela Niall Nico Nikita Nils Nina Noah Noor Nora Nuala Odette Oisin Olaf
    Oleg Olga Omar Oona Oscar Otto Owen Pablo Paloma Paolo Paula Pavel Pedro Petra Philippa Piotr
    Priya Quentin Rafael Rahul Raisa Ravi Rebecca Reece Remi Rhona Rhys Rosa Rowan Ruby Ruth Saba
    Salma Samira Samuel Sana Sandro Sasha Seb Selma Sergei Shona Sian Silas Simone Sindre Skyler
    Sofia Sonni Soren Stefan Sunita Svea Tamara Tariq Tessa Theo Thora Tiago Tilda Tobias Tomas
    Ulla Umar Uma Valentin Vera Viktor Vito Wanda Wei Wilma Xavier Ximena Yakup Yana Yara Yasmin
    Yuki Yusuf Yvette Zachary Zara Zelda Zoe Zuzana
    """.split()  # noqa: SIM905 - 360 quoted names would fill five times the lines
)


def acquaintances(name: str) -> tuple[str, ...]:
    """Return the hundred people that ``name`` knows, in the order of their links.

    >>> acquaintances("Samuel")[CHAIN_POSITION - 1]
    'Skyler'
    """
    others = (other for other in NAMES if other != name)
    known = sorted(others, key=lambda other: _distance(name, other))[:ACQUAINTANCES]
    if name in _NEXT_IN_CHAIN:
        following = _NEXT_IN_CHAIN[name]
        known = [other for other in known if other != following]
        known.insert(CHAIN_POSITION - 1, following)
    return tuple(known[:ACQUAINTANCES])


def _distance(name: str, other: str) -> bytes:
    # The NUL keeps "Ann" + "Abel" apart from "Anna" + "bel".
    return hashlib.sha256(f"{name}\0{other}".encode()).digest()
