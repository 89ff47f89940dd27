--
-- PostgreSQL database dump
--

-- Dumped from database version 11.3 (Ubuntu 11.3-1.pgdg18.04+1)
-- Dumped by pg_dump version 11.3 (Ubuntu 11.3-1.pgdg18.04+1)

-- Started on 2019-05-25 19:32:36 +07

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_with_oids = false;

--
-- TOC entry 196 (class 1259 OID 16387)
-- Name: director; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.director (
    movie_title text,
    director text
);


ALTER TABLE public.director OWNER TO postgres;

--
-- TOC entry 197 (class 1259 OID 16393)
-- Name: disney_char; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.disney_char (
    movie_title text,
    release_date date,
    hero text,
    villian text,
    song text
);


ALTER TABLE public.disney_char OWNER TO postgres;

--
-- TOC entry 198 (class 1259 OID 16399)
-- Name: movie_gross; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.movie_gross (
    movie_title text,
    release_date date,
    genre text,
    mpaa_rating text,
    total_gross bigint,
    inflation_adjusted_gross bigint
);


ALTER TABLE public.movie_gross OWNER TO postgres;

--
-- TOC entry 199 (class 1259 OID 16405)
-- Name: revenue; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.revenue (
    year bigint,
    studio_entertainment double precision,
    disney_consumer_products double precision,
    disney_interactive double precision,
    walt_disney_parks_and_resorts double precision,
    disney_media_networks double precision,
    total bigint
);


ALTER TABLE public.revenue OWNER TO postgres;

--
-- TOC entry 200 (class 1259 OID 16408)
-- Name: voice_actor; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.voice_actor (
    "character" text,
    voice_actor text,
    movie_title text
);


ALTER TABLE public.voice_actor OWNER TO postgres;

--
-- TOC entry 3072 (class 0 OID 16387)
-- Dependencies: 196
-- Data for Name: director; Type: TABLE DATA; Schema: public; Owner: postgres
--

INSERT INTO public.director VALUES ('Snow White and the Seven Dwarfs', 'David Hand');
INSERT INTO public.director VALUES ('Pinocchio', 'Ben Sharpsteen');
INSERT INTO public.director VALUES ('Fantasia', 'full credits');
INSERT INTO public.director VALUES ('Dumbo', 'Ben Sharpsteen');
INSERT INTO public.director VALUES ('Bambi', 'David Hand');
INSERT INTO public.director VALUES ('Saludos Amigos', 'Jack Kinney');
INSERT INTO public.director VALUES ('The Three Caballeros', 'Norman Ferguson');
INSERT INTO public.director VALUES ('Make Mine Music', 'Jack Kinney');
INSERT INTO public.director VALUES ('Fun and Fancy Free', 'Jack Kinney');
INSERT INTO public.director VALUES ('Melody Time', 'Clyde Geronimi');
INSERT INTO public.director VALUES ('The Adventures of Ichabod and Mr. Toad', 'Jack Kinney');
INSERT INTO public.director VALUES ('Cinderella', 'Wilfred Jackson');
INSERT INTO public.director VALUES ('Alice in Wonderland', 'Clyde Geronimi');
INSERT INTO public.director VALUES ('Peter Pan', 'Hamilton Luske');
INSERT INTO public.director VALUES ('Lady and the Tramp', 'Hamilton Luske');
INSERT INTO public.director VALUES ('Sleeping Beauty', 'Clyde Geronimi');
INSERT INTO public.director VALUES ('101 Dalmatians', 'Wolfgang Reitherman');
INSERT INTO public.director VALUES ('The Sword in the Stone', 'Wolfgang Reitherman');
INSERT INTO public.director VALUES ('The Jungle Book', 'Wolfgang Reitherman');
INSERT INTO public.director VALUES ('The Aristocats', 'Wolfgang Reitherman');
INSERT INTO public.director VALUES ('Robin Hood', 'Wolfgang Reitherman');
INSERT INTO public.director VALUES ('The Many Adventures of Winnie the Pooh', 'Wolfgang Reitherman');
INSERT INTO public.director VALUES ('The Rescuers', 'Wolfgang Reitherman');
INSERT INTO public.director VALUES ('The Fox and the Hound', 'Art Stevens');
INSERT INTO public.director VALUES ('The Black Cauldron', 'Ted Berman');
INSERT INTO public.director VALUES ('The Great Mouse Detective', 'Ron Clements');
INSERT INTO public.director VALUES ('Oliver & Company', 'George Scribner');
INSERT INTO public.director VALUES ('The Little Mermaid', 'Ron Clements');
INSERT INTO public.director VALUES ('The Rescuers Down Under', 'Mike Gabriel');
INSERT INTO public.director VALUES ('Beauty and the Beast', 'Gary Trousdale');
INSERT INTO public.director VALUES ('Aladdin', 'Ron Clements');
INSERT INTO public.director VALUES ('The Lion King', 'Roger Allers');
INSERT INTO public.director VALUES ('Pocahontas', 'Mike Gabriel');
INSERT INTO public.director VALUES ('The Hunchback of Notre Dame', 'Gary Trousdale');
INSERT INTO public.director VALUES ('Hercules', 'Ron Clements');
INSERT INTO public.director VALUES ('Mulan', 'Barry Cook');
INSERT INTO public.director VALUES ('Tarzan', 'Chris Buck');
INSERT INTO public.director VALUES ('Fantasia 2000', 'full credits');
INSERT INTO public.director VALUES ('Dinosaur', 'Ralph Zondag');
INSERT INTO public.director VALUES ('The Emperor''s New Groove', 'Mark Dindal');
INSERT INTO public.director VALUES ('Atlantis: The Lost Empire', 'Gary Trousdale');
INSERT INTO public.director VALUES ('Lilo & Stitch', 'Chris Sanders');
INSERT INTO public.director VALUES ('Treasure Planet', 'Ron Clements');
INSERT INTO public.director VALUES ('Brother Bear', 'Robert Walker');
INSERT INTO public.director VALUES ('Home on the Range', 'Will Finn');
INSERT INTO public.director VALUES ('Chicken Little', 'Mark Dindal');
INSERT INTO public.director VALUES ('Meet the Robinsons', 'Stephen J. Anderson');
INSERT INTO public.director VALUES ('Bolt', 'Chris Williams');
INSERT INTO public.director VALUES ('The Princess and the Frog', 'Ron Clements');
INSERT INTO public.director VALUES ('Tangled', 'Nathan Greno');
INSERT INTO public.director VALUES ('Winnie the Pooh', 'Stephen J. Anderson');
INSERT INTO public.director VALUES ('Wreck-It Ralph', 'Rich Moore');
INSERT INTO public.director VALUES ('Frozen', 'Chris Buck');
INSERT INTO public.director VALUES ('Big Hero 6', 'Don Hall');
INSERT INTO public.director VALUES ('Zootopia', 'Byron Howard');
INSERT INTO public.director VALUES ('Moana', 'Ron Clements');


--
-- TOC entry 3073 (class 0 OID 16393)
-- Dependencies: 197
-- Data for Name: disney_char; Type: TABLE DATA; Schema: public; Owner: postgres
--

INSERT INTO public.disney_char VALUES ('Snow White and the Seven Dwarfs', '1937-12-21', 'Snow White', 'Evil Queen', 'Some Day My Prince Will Come');
INSERT INTO public.disney_char VALUES ('Pinocchio', '1940-02-07', 'Pinocchio', 'Stromboli', 'When You Wish upon a Star');
INSERT INTO public.disney_char VALUES ('Fantasia', '1940-11-13', NULL, 'Chernabog', NULL);
INSERT INTO public.disney_char VALUES ('Dumbo', '1941-10-23', 'Dumbo', 'Ringmaster', 'Baby Mine');
INSERT INTO public.disney_char VALUES ('Bambi', '1942-08-13', 'Bambi', 'Hunter', 'Love Is a Song');
INSERT INTO public.disney_char VALUES ('Saludos Amigos', '1943-02-06', 'Donald Duck', NULL, 'Saludos Amigos');
INSERT INTO public.disney_char VALUES ('The Three Caballeros', '1945-02-03', 'Donald Duck', NULL, NULL);
INSERT INTO public.disney_char VALUES ('Make Mine Music', '1946-04-20', NULL, NULL, NULL);
INSERT INTO public.disney_char VALUES ('Fun and Fancy Free', '1947-09-27', 'Mickey Mouse', 'Willie the Giant', NULL);
INSERT INTO public.disney_char VALUES ('Melody Time', '1948-05-27', NULL, NULL, 'Little Toot');
INSERT INTO public.disney_char VALUES ('The Adventures of Ichabod and Mr. Toad', '1949-10-05', 'Mr. Toad and Ichabod Crane', 'Mr. Winkie and The Headless Horseman', 'The Merrily Song');
INSERT INTO public.disney_char VALUES ('Cinderella', '1950-02-15', 'Cinderella', 'Lady Tremaine', 'Bibbidi-Bobbidi-Boo');
INSERT INTO public.disney_char VALUES ('Alice in Wonderland', '1951-07-28', 'Alice', 'Queen of Hearts', 'The Unbirthday Song');
INSERT INTO public.disney_char VALUES ('Peter Pan', '1953-02-05', 'Peter Pan', 'Captain Hook', 'You Can Fly!');
INSERT INTO public.disney_char VALUES ('Lady and the Tramp', '1955-06-22', 'Lady and Tramp', 'Si and Am', 'Bella Notte');
INSERT INTO public.disney_char VALUES ('Sleeping Beauty', '1959-01-29', 'Aurora', 'Maleficent', 'Once Upon a Dream');
INSERT INTO public.disney_char VALUES ('One Hundred and One Dalmatians', '1961-01-25', 'Pongo', 'Cruella de Vil', 'Cruella De Vil');
INSERT INTO public.disney_char VALUES ('The Sword in the Stone', '1963-12-25', 'Arthur', 'Madam Mim', 'Higitus Figitus');
INSERT INTO public.disney_char VALUES ('The Jungle Book', '1967-10-18', 'Mowgli', 'Kaa and Shere Khan', 'The Bare Necessities');
INSERT INTO public.disney_char VALUES ('The Aristocats', '1970-12-24', 'Thomas and Duchess', 'Edgar Balthazar', 'Ev''rybody Wants to Be a Cat');
INSERT INTO public.disney_char VALUES ('Robin Hood', '1973-11-08', 'Robin Hood', 'Prince John', 'Oo De Lally');
INSERT INTO public.disney_char VALUES ('The Many Adventures of Winnie the Pooh', '1977-03-11', 'Winnie the Pooh', NULL, 'Winnie the Pooh');
INSERT INTO public.disney_char VALUES ('The Rescuers', '1977-06-22', 'Bernard and Miss Bianca', 'Madame Medusa', 'The Journey');
INSERT INTO public.disney_char VALUES ('The Fox and the Hound', '1981-07-10', 'Tod and Copper', 'Amos Slade', 'Best of Friends');
INSERT INTO public.disney_char VALUES ('The Black Cauldron', '1985-07-24', 'Taran', 'Horned King', NULL);
INSERT INTO public.disney_char VALUES ('The Great Mouse Detective', '1986-07-02', 'Basil', 'Professor Ratigan', 'The World''s Greatest Criminal Mind');
INSERT INTO public.disney_char VALUES ('Oliver & Company', '1988-11-18', 'Oliver', 'Sykes', 'Once Upon a Time in New York City');
INSERT INTO public.disney_char VALUES ('The Little Mermaid', '1989-11-17', 'Ariel', 'Ursula', 'Under the Sea');
INSERT INTO public.disney_char VALUES ('The Rescuers Down Under', '1990-11-16', 'Bernard and Miss Bianca', 'Percival C. McLeach', '');
INSERT INTO public.disney_char VALUES ('Beauty and the Beast', '1991-11-22', 'Belle', 'Gaston', 'Be Our Guest');
INSERT INTO public.disney_char VALUES ('Aladdin', '1992-11-25', 'Aladdin', 'Jafar', 'A Whole New World');
INSERT INTO public.disney_char VALUES ('The Lion King', '1994-06-24', 'Simba', 'Scar', 'Circle of Life');
INSERT INTO public.disney_char VALUES ('Pocahontas', '1995-06-23', 'Pocahontas', 'Governor Ratcliffe', 'Colors of the Wind');
INSERT INTO public.disney_char VALUES ('The Hunchback of Notre Dame', '1996-06-21', 'Quasimodo', 'Claude Frollo', 'God Help the Outcasts');
INSERT INTO public.disney_char VALUES ('Hercules', '1997-06-27', 'Hercules', 'Hades', 'Go the Distance');
INSERT INTO public.disney_char VALUES ('Mulan', '1998-06-19', 'Mulan', 'Shan Yu', 'I''ll Make a Man Out of You');
INSERT INTO public.disney_char VALUES ('Tarzan', '1999-06-18', 'Tarzan', 'Clayton', 'You''ll Be in My Heart');
INSERT INTO public.disney_char VALUES ('Fantasia 2000', '1999-12-17', NULL, NULL, NULL);
INSERT INTO public.disney_char VALUES ('Dinosaur', '2000-05-19', 'Aladar', 'Kron', NULL);
INSERT INTO public.disney_char VALUES ('The Emperor''s New Groove', '2000-12-15', 'Kuzco', 'Yzma', 'My Funny Friend and Me');
INSERT INTO public.disney_char VALUES ('Atlantis: The Lost Empire', '2001-06-15', 'Milo Thatch', 'Commander Rourke', 'Where the Dream Takes You');
INSERT INTO public.disney_char VALUES ('Lilo & Stitch', '2002-06-21', 'Lilo and Stitch', NULL, 'He Mele No Lilo');
INSERT INTO public.disney_char VALUES ('Treasure Planet', '2002-11-27', 'Jim Hawkins', 'John Silver', 'I''m Still Here');
INSERT INTO public.disney_char VALUES ('Brother Bear', '2003-11-01', 'Kenai', 'Denahi', 'Look Through My Eyes');
INSERT INTO public.disney_char VALUES ('Home on the Range', '2004-04-02', 'Maggie', 'Alameda Slim', NULL);
INSERT INTO public.disney_ch